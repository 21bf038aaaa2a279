"""Which rows a person wants to see, and the rows as they are shown."""

from typing import Any, Literal

from pydantic import Field

from domain.datasets.specs import Spec, VersionRef
from domain.registry.specs import Label

RowKind = Literal["confident_mistakes", "borderline", "disagreements", "incorrect", "correct", "random"]
ROW_KINDS: tuple[RowKind, ...] = (
    "confident_mistakes",
    "borderline",
    "disagreements",
    "incorrect",
    "correct",
    "random",
)


class EyeballAsk(Spec):
    """The rows to show. The same question about the same version is answered once."""

    kinds: list[RowKind] | None = Field(default=None, min_length=1, description="Absent: all that fit the task.")
    where: str | None = Field(default=None, max_length=2_000, description="Only this slice: `sex = 'Female'`.")
    against: int | Literal["champion"] | None = Field(
        default="champion", description="The version whose answers are shown beside: a number, or the champion."
    )
    dataset: VersionRef | None = Field(default=None, description="Other rows than the frozen test rows.")
    limit: int = Field(default=20, ge=1, le=200, description="Rows of each kind.")
    seed: int = Field(default=0, ge=0, lt=2**31)


class SeenRow(Spec):
    """One row and what was answered. `row` names its content: the same row has the same name in every version.

    `confidence` is the probability of the answer; `error` the absolute error of a number. `correct` is None for
    numbers. `other` is what the other version answers.
    """

    row: str
    instance: dict[str, Any]
    truth: Label
    answer: Label
    correct: bool | None
    confidence: float | None = None
    probabilities: dict[str, float] = {}
    error: float | None = None
    other: Label | None = None
    other_confidence: float | None = None


class Pick(Spec):
    """What a look at a version's answers brought: rows by kind, out of how many."""

    rows: int
    mistakes: int | None = Field(description="None for numbers, which are more or less wrong.")
    disagreements: int | None = Field(default=None, description="Rows that the other version answers otherwise.")
    kinds: dict[RowKind, list[SeenRow]]
    notes: list[str] = []
