"""What a reproduction finds, as values."""

from enum import StrEnum

from pydantic import Field

from domain.datasets.specs import Spec


class Verdict(StrEnum):
    """The same to the last bit; the same within the tolerance; or not, for reasons."""

    BIT_IDENTICAL = "bit_identical"
    WITHIN_TOLERANCE = "within_tolerance"
    NOT_REPRODUCED = "not_reproduced"


class MetricDifference(Spec):
    """A metric in both runs; `relative` is the difference as a share of the first, or of 1 where that is smaller."""

    name: str
    first: float | None
    again: float | None
    relative: float | None


class PredictionDifference(Spec):
    """Both models on the frozen test rows of the first run.

    `largest` is in shares of the target's standard deviation for numbers, else the largest difference of a probability.
    """

    rows: int
    largest: float
    differing: int = Field(description="Rows whose answers are not the same to the last bit.")
    same_label: float | None = Field(description="Share of the rows with the same label; null for numbers.")


class PackageDifference(Spec):
    """A library, Python or the platform, then and now; null where it was or is not there."""

    name: str
    first: str | None
    again: str | None


class Finding(Spec):
    """All that the comparison came to. Without a second training, only reasons."""

    verdict: Verdict
    reasons: list[str] = Field(default=[], description="Why it is not the same, or not to the last bit.")
    same_files: bool | None = Field(default=None, description="Whether the packages hold the same bytes.")
    metrics: list[MetricDifference] = Field(default=[], description="Those that differ, the farthest first.")
    predictions: PredictionDifference | None = None
    environment: list[PackageDifference] = Field(default=[], description="What is another version now.")
