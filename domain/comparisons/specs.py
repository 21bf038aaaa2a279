"""What to compare, and what it came to: one cell for each version on each subset of each dataset version."""

from typing import Annotated

from pydantic import Field

from domain.datasets.specs import PinnedRef, Spec, VersionRef
from domain.model_checks.specs import PairedComparison

Number = Annotated[int, Field(ge=1, lt=2**31)]
Subset = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]


class ComparisonSpec(Spec):
    """Versions by number, or as `model@n` for other models. Each `where` is a further subset of each dataset."""

    versions: list[Number | PinnedRef] = Field(min_length=1, max_length=20)
    datasets: list[VersionRef] = Field(min_length=1, max_length=20)
    where: list[Subset] = Field(default=[], max_length=20)
    metric: str | None = Field(
        default=None, max_length=50, description="mae for numbers, accuracy for classes if absent."
    )


class ComparedVersion(Spec):
    """A version of a comparison, as `model@n`."""

    ref: str
    version_id: str


class ComparedData(Spec):
    """A dataset version of a comparison, as `name@n`."""

    ref: str
    version_id: str
    digest: str


class Cell(Spec):
    """One version on the rows of one subset that it was not trained on, with its 95 % interval.

    `rows_digest` tells whether two cells are about the very same rows. `problem` says why there is no value.
    """

    version: str
    dataset: str
    where: str | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    rows_excluded: int = 0
    rows_digest: str | None = None
    problem: str | None = None


class Pair(Spec):
    """The paired test of two versions on rows that neither was trained on: the second against the first."""

    champion: str
    challenger: str
    dataset: str
    where: str | None
    comparison: PairedComparison | None = None
    problem: str | None = None


class ComparisonResult(Spec):
    cells: list[Cell]
    pairs: list[Pair]
