"""What to try, as data: the training that is the same for all, the space of parameters, and when to stop."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from domain.datasets.specs import LONGEST_SECONDS, Spec
from domain.training.specs import TrainSpec

MOST_TRIALS: Final = 500

Goal = Literal["min", "max"]


class Range(Spec):
    """Numbers from `min` to `max`: drawn by chance, or `points` of them in a grid. Whole where the parameter is."""

    min: float
    max: float
    scale: Literal["linear", "log"] = "linear"
    points: int | None = Field(default=None, ge=2, le=100, description="How many values of it a grid tries.")


class Objective(Spec):
    """What makes one trial better than another: a metric on the validation rows, `mae` or `validation_mae`."""

    metric: str = Field(min_length=1, max_length=100)
    goal: Goal


class SweepSpec(Spec):
    """Many trainings of `base`, each with other values of the parameters in `space`, which win over its `params`.

    With a `model`, the best run becomes a version of it once the sweep has succeeded; the other runs do not.
    """

    base: TrainSpec
    space: dict[str, Annotated[list[Any], Field(min_length=1, max_length=100)] | Range] = Field(
        min_length=1, max_length=20, description="By parameter of the trainer: a list of choices, or a range."
    )
    method: Literal["grid", "random"] = Field(
        default="random", description="Every combination once, or `trials` of them drawn with `seed`."
    )
    trials: int | None = Field(
        default=None, ge=1, le=MOST_TRIALS, description="How many to draw; absent for a grid, which has its own number."
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="For drawing; the seed of the trainings is in `base`.")
    parallel: int = Field(default=2, ge=1, le=20, description="At most so many trials queued or running at once.")
    objective: Objective
    max_seconds: float | None = Field(
        default=None, gt=0, le=LONGEST_SECONDS, description="No trial starts when the sweep is older than this."
    )
    patience: int | None = Field(
        default=None, ge=1, le=MOST_TRIALS, description="No trial starts when so many in a row have not been better."
    )
