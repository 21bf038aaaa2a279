"""Monitoring as data: the policy of an endpoint, and what a window of its traffic came to."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from domain.datasets.specs import LONGEST_SECONDS, Spec

DriftTest = Literal["ks", "chi2"]
BROKEN_BY_NULLS: Final = "null in"
"""How the reason begins when a column is broken by its nulls, and so by what the policy allows."""


class MonitorPolicy(Spec):
    """When a window closes and what counts as drift. Windows close by rows, or by time with at least `min_rows`."""

    model_config = ConfigDict(allow_inf_nan=False)

    window_rows: int = Field(default=1000, ge=50, le=10_000_000)
    window_seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    min_rows: int = Field(default=100, ge=20)
    max_effect: float = Field(
        default=0.2, gt=0, description="PSI that matters; raised to the null's quantile at the window's n."
    )
    false_discovery: float = Field(default=0.05, gt=0, lt=1, description="Benjamini-Hochberg rate over the features.")
    max_null_share: float = Field(
        default=0.05, ge=0, le=1, description="Above this (and above the reference) a column is broken, not drifted."
    )
    metric: str | None = Field(default=None, description="Quality metric; by task when absent (mae, accuracy).")
    max_quality_loss: float = Field(
        default=0.25, gt=0, description="Relative loss against the champion's frozen test metric."
    )
    min_truth_share: float = Field(default=0.8, gt=0, le=1)

    @model_validator(mode="after")
    def _can_close(self) -> "MonitorPolicy":
        if self.min_rows > self.window_rows:
            raise ValueError("min_rows is above window_rows: a window is full before it may close")
        return self


class GovernorPolicy(Spec):
    """When a retrain may start by itself."""

    model_config = ConfigDict(allow_inf_nan=False)

    windows_needed: int = Field(
        default=2, ge=1, le=1000, description="k of the last `windows_seen` windows must be bad."
    )
    windows_seen: int = Field(default=3, ge=1, le=1000)
    cooldown_seconds: float = Field(default=3600.0, ge=0, le=LONGEST_SECONDS)
    daily_budget: int = Field(default=4, ge=1)
    max_failed_gates: int = Field(default=3, ge=1, description="Gates failed in a row before automatic retrains stop.")

    @model_validator(mode="after")
    def _can_be_met(self) -> "GovernorPolicy":
        if self.windows_needed > self.windows_seen:
            raise ValueError("windows_needed is above windows_seen: no retrain could ever start")
        return self


class FeatureDrift(Spec):
    """One feature against the training reference. `effect` is PSI; drifted = effect and significance together."""

    name: str
    kind: Literal["number", "category"]
    n_reference: int
    n: int
    psi: float
    js: float = Field(description="Jensen-Shannon divergence, bits (0..1).")
    kl: float = Field(description="Kullback-Leibler divergence of the window from the reference, nats.")
    test: DriftTest
    statistic: float
    p_value: float
    q_value: float = Field(description="Benjamini-Hochberg adjusted p-value over the features.")
    threshold: float = Field(description="PSI above which this counts as drift at this n.")
    null_share: float
    null_share_reference: float
    bins: int | None = Field(default=None, description="Bins that PSI was taken over; null where it was not taken.")
    drifted: bool
    broken: bool
    reason: str | None = Field(default=None, description="Why it is broken: missing, null, stuck, or of another type.")


class DriftResult(Spec):
    """Every feature of one window, the worst first, and the prediction itself under the name `(prediction)`."""

    rows: int
    features: list[FeatureDrift]
    drifted: list[str]
    broken: list[str]


class Distribution(Spec):
    """Shares of rows of one feature, in the training reference and in the window, to be drawn.

    Of a number, between `edges`: the first share is below all of them, the last one above. Of a category, by `labels`,
    the most frequent first; the last share is of all others. So there is one more share than edges or labels.
    """

    name: str
    kind: Literal["number", "category"]
    edges: list[float] = []
    labels: list[str] = []
    reference: list[float]
    window: list[float]


class PerformanceResult(Spec):
    """Quality on the rows of a window whose ground truth is known."""

    metric: str
    value: float
    reference: float | None
    labelled: int
    rows: int
    loss: float | None = Field(description="Relative loss against the reference (positive is worse).")
    degraded: bool
    delay_seconds: float | None = Field(
        default=None, description="Median time from a prediction to its truth; null in windows of before it was kept."
    )


class TruthItem(Spec):
    """What turned out to be true for one prediction. It may arrive before the prediction has been written down."""

    id: str = Field(min_length=1, max_length=36)
    value: bool | int | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=1000)]
