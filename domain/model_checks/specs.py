"""Model checks as data, suites of them, and what they come to. The gates of a policy that need no champion."""

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from domain.datasets.specs import Name, Spec
from domain.model_checks.behaviour import (
    OF_TEXTS,
    Append,
    Assign,
    Case,
    Change,
    DirectionalCheck,
    ExpectedRow,
    InvarianceCheck,
    MinimumFunctionalityCheck,
    Noise,
    Punctuation,
    Replace,
    Shift,
    Shuffle,
    Templates,
    ToleranceCheck,
    Typos,
)
from domain.model_checks.kinds import Check, Gate, Severity, Verdict
from domain.model_checks.quality import (
    CalibrationCheck,
    FairnessCheck,
    LatencyCheck,
    LeakageCheck,
    MemoryCheck,
    MetricCheck,
    OverfitCheck,
    ServingParityCheck,
    SlicesCheck,
    TargetDistributionCheck,
    UnusedFeaturesCheck,
    WeakSlicesCheck,
)
from domain.model_checks.words import filled, placeholders, unknown_lexicon

# Defined below this module, read from here by everybody else.
__all__ = [
    "OF_TEXTS",
    "Append",
    "Assign",
    "CalibrationCheck",
    "Case",
    "Change",
    "Check",
    "DirectionalCheck",
    "ExpectedRow",
    "FairnessCheck",
    "Gate",
    "InvarianceCheck",
    "LatencyCheck",
    "LeakageCheck",
    "MemoryCheck",
    "MetricCheck",
    "MinimumFunctionalityCheck",
    "Noise",
    "OverfitCheck",
    "Punctuation",
    "Replace",
    "ServingParityCheck",
    "Severity",
    "Shift",
    "Shuffle",
    "SlicesCheck",
    "TargetDistributionCheck",
    "Templates",
    "ToleranceCheck",
    "Typos",
    "UnusedFeaturesCheck",
    "Verdict",
    "WeakSlicesCheck",
    "filled",
    "placeholders",
    "unknown_lexicon",
]


def kind_of(value: Any) -> str | None:
    """The kind of a check, written as a document or made already."""
    if isinstance(value, dict):
        found = value.get("gate", value.get("check"))
        return found if isinstance(found, str) else None
    return getattr(value, "gate", None)


ModelCheckSpec = Annotated[
    Annotated[MetricCheck, Tag("metric")]
    | Annotated[OverfitCheck, Tag("overfit")]
    | Annotated[TargetDistributionCheck, Tag("target_distribution")]
    | Annotated[SlicesCheck, Tag("slices")]
    | Annotated[WeakSlicesCheck, Tag("weak_slices")]
    | Annotated[CalibrationCheck, Tag("calibration")]
    | Annotated[LeakageCheck, Tag("leakage")]
    | Annotated[UnusedFeaturesCheck, Tag("unused_features")]
    | Annotated[FairnessCheck, Tag("fairness")]
    | Annotated[ServingParityCheck, Tag("serving_parity")]
    | Annotated[LatencyCheck, Tag("latency")]
    | Annotated[MemoryCheck, Tag("memory")]
    | Annotated[ToleranceCheck, Tag("tolerance")]
    | Annotated[MinimumFunctionalityCheck, Tag("minimum_functionality")]
    | Annotated[InvarianceCheck, Tag("invariance")]
    | Annotated[DirectionalCheck, Tag("directional")],
    Discriminator(kind_of),
]
# What comes out differently each time it is measured: a replay takes the recorded figure.
MEASURED: frozenset[str] = frozenset({"latency", "memory"})


class ModelSuite(Spec):
    """Checks of a model under a name, with the words that their templates draw from."""

    lexicons: dict[Name, list[str]] = Field(default={}, description="Name -> words, for `{name}` in templates.")
    checks: list[ModelCheckSpec] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _words(self) -> "ModelSuite":
        empty = [name for name, words in self.lexicons.items() if not words]
        if empty:
            raise ValueError(f"the lexicon {empty[0]!r} has no words")
        return self


class SliceMetric(Spec):
    """One slice: what it is, its size, the metric on it with its interval, and how much worse that is."""

    column: str
    value: str
    rows: int
    metric: float | None
    judged: bool = Field(description="False when the slice is smaller than `min_rows`.")
    gap: float | None = Field(default=None, description="Relative loss against all rows; positive is worse.")
    low: float | None = None
    high: float | None = None
    p_value: float | None = Field(default=None, description="Corrected for all slices that were looked at.")


class ModelCheckResult(Spec):
    """What one check came to, with the failing examples where there are any. `low`, `high`: an interval of `value`."""

    gate: str
    name: str = ""
    severity: Severity = "error"
    verdict: Verdict
    vacuous: bool = Field(default=False, description="Nothing was looked at, or nothing changed: this shows nothing.")
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | str | None = None
    message: str
    rows: int | None = Field(default=None, description="Rows that were looked at.")
    seconds: float | None = None
    cached: bool = Field(default=False, description="Found earlier: the same check, package, rows, seed and code.")
    slices: list[SliceMetric] = []
    examples: list[dict[str, Any]] = []
    details: dict[str, Any] = Field(default={}, description="Curves, bins and tables of this kind of check.")


class SuiteReport(Spec):
    """What the checks of one suite version came to."""

    suite: str
    version: int
    digest: str
    verdict: Verdict
    results: list[ModelCheckResult]


class PinnedRow(ExpectedRow):
    """A mistake that became a test: every later version must get it right."""

    pin_id: str
    note: str = ""


PairedTest = Literal["mcnemar", "delong", "diebold_mariano", "bootstrap"]
Hypothesis = Literal["superiority", "non_inferiority"]
# An effect, or a bound of one, that has no limit on its side: written so that every figure stays a finite number.
LARGEST_EFFECT: Final = 1e6


def said_effect(effect: float, low: float, high: float) -> str:
    """`+12.3% [-1.0%, no bound]`: an effect with its bounds, where it has them."""
    ends = [f"{end:+.1%}" if abs(end) < LARGEST_EFFECT else "no bound" for end in (low, high)]
    beyond = "above +100%" if effect > 0 else "below -100%"
    return f"{f'{effect:+.1%}' if abs(effect) < LARGEST_EFFECT else beyond} [{', '.join(ends)}]"


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
