"""Model checks as data, and what they come to. The gates of a model's policy that need no champion."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from domain.datasets.specs import Spec
from domain.registry.specs import Label

Verdict = Literal["pass", "fail", "inconclusive"]


class Gate(Spec):
    """What a policy asks for; its bounds are numbers that something can meet."""

    model_config = ConfigDict(allow_inf_nan=False)


class MetricGate(Gate):
    """A metric on the frozen test rows within bounds."""

    gate: Literal["metric"] = "metric"
    metric: str
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "MetricGate":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max: nothing could pass")
        return self


class OverfitGate(Gate):
    """Validation loss < `max_ratio` x train loss."""

    gate: Literal["overfit"] = "overfit"
    max_ratio: float = Field(default=1.2, gt=0)


class ToleranceGate(Gate):
    """Numeric inputs moved by `noise` x their standard deviation must not move the prediction much.

    Regression: the mean absolute move stays within `max_shift` x the spread of the predictions.
    Classification: at most `max_shift` of the labels change.
    """

    gate: Literal["tolerance"] = "tolerance"
    noise: float = Field(default=0.01, gt=0)
    max_shift: float = Field(default=0.05, ge=0)


class ExpectedRow(Spec):
    """A row every version must get right: the label, or a number within `within` of `expect`."""

    model_config = ConfigDict(allow_inf_nan=False)

    instance: dict[str, Any]
    expect: Label
    within: float | None = Field(default=None, ge=0)


class MinimumFunctionalityGate(Gate):
    gate: Literal["minimum_functionality"] = "minimum_functionality"
    rows: list[ExpectedRow] = Field(min_length=1)


class SlicesGate(Gate):
    """The metric per value of each column in `by`; no slice of at least `min_rows` is worse than bounds allow."""

    gate: Literal["slices"] = "slices"
    by: list[str] = Field(min_length=1)
    metric: str
    max_gap: float | None = Field(
        default=None, description="Allowed relative loss against all rows, e.g. 0.5 = 50 % worse."
    )
    min_rows: int = Field(default=30, ge=1)


ModelCheckSpec = Annotated[
    MetricGate | OverfitGate | ToleranceGate | MinimumFunctionalityGate | SlicesGate, Field(discriminator="gate")
]


class SliceMetric(Spec):
    column: str
    value: str
    rows: int
    metric: float | None
    judged: bool = Field(description="False when the slice is smaller than `min_rows`.")


class ModelCheckResult(Spec):
    """What one check came to on the frozen rows, with the failing examples where there are any."""

    gate: str
    verdict: Verdict
    value: float | None = None
    threshold: float | str | None = None
    message: str
    slices: list[SliceMetric] = []
    examples: list[dict[str, Any]] = []


PairedTest = Literal["mcnemar", "delong", "diebold_mariano", "bootstrap"]
Hypothesis = Literal["superiority", "non_inferiority"]


class SliceComparison(Spec):
    """Champion and challenger on some of the rows: is the challenger worse there than the margin allows?

    `p_value` is for "worse than the margin", `p_adjusted` the same and `p_worse_adjusted` the opposite, both by Holm
    over the judged slices. `low` and `high` are bounds at 1 - alpha / slices. All are absent when the slice is not
    judged; `message` says why.
    """

    label: str
    rows: int
    judged: bool
    verdict: Verdict
    message: str
    champion_value: float | None = None
    challenger_value: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    p_worse_adjusted: float | None = None


class PairedComparison(Spec):
    """Champion and challenger on the same frozen rows that neither was trained on.

    `effect` is the relative improvement of the challenger (positive is better), with one-sided bounds at 1 - alpha
    each. `p_value` tests effect <= min_effect (superiority) or effect <= -margin (non-inferiority); it is at most
    alpha exactly when `low` is at or above that bar. `method` says which test gave the p-value and which the bounds.
    """

    metric: str
    higher_is_better: bool
    rows: int
    rows_excluded: int
    champion_value: float
    challenger_value: float
    effect: float
    low: float
    high: float
    p_value: float
    alpha: float
    min_effect: float
    rows_needed: int | None = Field(
        description="Rows at which an effect of this size could be told, when inconclusive."
    )
    method: str
    test: PairedTest | None = None
    hypothesis: Hypothesis = "superiority"
    margin: float = Field(default=0.0, description="Allowed relative loss of non-inferiority.")
    difference: float | None = Field(
        default=None, description="The improvement in the unit of the metric, positive is better."
    )
    difference_low: float | None = None
    difference_high: float | None = None
    power: float | None = Field(default=None, description="Probability that so many rows tell an effect of this size.")
    detectable_effect: float | None = Field(
        default=None, description="The smallest effect that so many rows tell with the power asked for."
    )
    slices: list[SliceComparison] = []
