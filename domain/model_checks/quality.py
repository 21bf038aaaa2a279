"""Checks of how good, how sure, how even and how costly a version is. Read from `specs` by everybody else."""

from typing import Literal

from pydantic import Field, model_validator

from domain.model_checks.kinds import Check, RowsCheck, kind

FairnessDefinition = Literal[
    "demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity", "metric_parity"
]


class MetricCheck(RowsCheck):
    """A metric on the frozen test rows within bounds."""

    gate: Literal["metric"] = kind("metric")
    metric: str
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "MetricCheck":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max: nothing could pass")
        return self


class OverfitCheck(Check):
    """Validation loss < `max_ratio` x train loss; and, where the run tells its steps, no rise after the best step.

    `max_rise` bounds how far the validation loss ends above its own minimum, as a share of it; None does not ask.
    """

    gate: Literal["overfit"] = kind("overfit")
    max_ratio: float = Field(default=1.2, gt=0)
    max_rise: float | None = Field(default=None, ge=0)


class TargetDistributionCheck(RowsCheck):
    """The answers are distributed as the truth is: Jensen-Shannon distance (0..1), for numbers over 20 quantiles."""

    gate: Literal["target_distribution"] = kind("target_distribution")
    max_distance: float = Field(default=0.1, ge=0, le=1)


class SlicesCheck(RowsCheck):
    """The metric per slice; no slice of at least `min_rows` is worse than bounds allow.

    Slices are the values of each column in `by` (quarters of a number), and the named predicates in `named`.
    """

    gate: Literal["slices"] = kind("slices")
    by: list[str] = Field(default=[])
    named: dict[str, str] = Field(default={}, description="Name -> SQL predicate, `young: age < 25`.")
    metric: str
    max_gap: float | None = Field(
        default=None, description="Allowed relative loss against all rows, e.g. 0.5 = 50 % worse."
    )
    min_rows: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _some_slice(self) -> "SlicesCheck":
        if not self.by and not self.named:
            raise ValueError("give by, named or both")
        return self


class WeakSlicesCheck(RowsCheck):
    """Slices found by search (one or two columns) on which the metric is worse, with their size and confidence.

    Fails when one of at least `min_share` of the rows is worse than all rows by more than `max_gap`, shown at
    `alpha` after correction for all slices that were looked at. `columns` absent means the inputs of the model; the
    metric is a mean over rows (or its root): mae, rmse, accuracy or log_loss.
    """

    gate: Literal["weak_slices"] = kind("weak_slices")
    metric: str
    columns: list[str] | None = None
    max_gap: float = Field(default=0.5, ge=0)
    min_share: float = Field(default=0.02, gt=0, le=0.5)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    depth: int = Field(default=2, ge=1, le=2)


class CalibrationCheck(RowsCheck):
    """Probabilities mean what they say: expected calibration error; for regression the mean residual / spread.

    What chance alone gives is taken off. Inconclusive with too few rows to tell `max_error` from chance.
    """

    gate: Literal["calibration"] = kind("calibration")
    max_error: float = Field(default=0.05, ge=0)
    bins: int = Field(default=15, ge=2, le=100)


class LeakageCheck(RowsCheck):
    """No single input carries the answer: shuffling one column may not destroy all that the model knows."""

    gate: Literal["leakage"] = kind("leakage")
    max_share: float = Field(default=0.9, gt=0, le=1)
    max_seen: float = Field(default=0.01, ge=0, le=1, description="Share of test rows that were also trained on.")


class UnusedFeaturesCheck(RowsCheck):
    """Inputs whose shuffling moves no prediction; at most `max_unused` of them."""

    gate: Literal["unused_features"] = kind("unused_features")
    max_unused: int = Field(default=0, ge=0)


class FairnessCheck(RowsCheck):
    """The gap between the groups of `by` under one definition, with its interval.

    `by` is any column of the dataset, also one that is no input. A group is judged where its share rests on `min_rows`
    rows: for equal opportunity those whose truth is favourable. For `metric_parity` the gap is relative to the metric
    on all rows.
    """

    gate: Literal["fairness"] = kind("fairness")
    by: str
    definition: FairnessDefinition = "equal_opportunity"
    favourable: str | int | bool | float | None = Field(default=None, description="The label that is good to get.")
    metric: str | None = Field(default=None, description="For `metric_parity`.")
    max_gap: float = Field(default=0.1, ge=0)
    min_rows: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _complete(self) -> "FairnessCheck":
        if (self.definition == "metric_parity") != (self.metric is not None):
            raise ValueError("metric goes with the definition metric_parity, and with no other")
        if self.definition != "metric_parity" and self.favourable is None:
            raise ValueError(f"{self.definition} needs favourable: the label that is good to get")
        return self


class ServingParityCheck(RowsCheck):
    """The package, asked as serving asks it (rows as JSON), answers as the trained model does on real rows."""

    gate: Literal["serving_parity"] = kind("serving_parity")
    tolerance: float = Field(default=1e-4, ge=0)
    max_share: float = Field(default=0.001, ge=0, le=1, description="Share of rows that may differ by more.")
    rows: int = Field(default=500, ge=1, le=10_000)


class LatencyCheck(Check):
    """Time of the packaged model for one row, measured alone, warm, in milliseconds."""

    gate: Literal["latency"] = kind("latency")
    p50_ms: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    rows: int = Field(default=300, ge=20, le=10_000)

    @model_validator(mode="after")
    def _some_bound(self) -> "LatencyCheck":
        if self.p50_ms is None and self.p99_ms is None:
            raise ValueError("give p50_ms, p99_ms or both")
        if self.p50_ms is not None and self.p99_ms is not None and self.p50_ms > self.p99_ms:
            raise ValueError("p50_ms is above p99_ms: nothing could pass")
        return self


class MemoryCheck(Check):
    """Resident memory that loading the packaged model and answering adds to a process, in MB."""

    gate: Literal["memory"] = kind("memory")
    max_mb: float = Field(gt=0)
