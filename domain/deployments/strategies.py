"""How a version takes over an endpoint: blue-green, canary, shadow or A/B, as data; and what it is judged by."""

from typing import Annotated, Literal

from pydantic import Field

from domain.datasets.specs import Spec


class Analysis(Spec):
    """What fails a candidate, on live data of both versions.

    All tests are sequential and always valid: they may be looked at after each request, and together they fail an
    equally good candidate with a probability of at most `alpha`. A bound says how much worse is no fault yet.
    """

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    min_samples: int = Field(
        default=200,
        ge=1,
        le=10_000_000,
        description="Requests of the candidate that a step needs at least before it may pass. It waits for up to five"
        " times as many where gross faults would not have shown yet.",
    )
    error_ratio: float = Field(default=1.0, ge=1, description="Faults of the candidate over those of the control.")
    latency_ratio: float = Field(
        default=1.5,
        ge=1,
        description="How many times as long as the control it may take, at any percentile from the 50th to the 98th"
        " and for most of the copies.",
    )
    max_disagreement: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of mirrored requests that the two answer differently; by default what they disagreed by"
        " on real rows before the rollout, and ten points more; at most three quarters of what chance would do.",
    )
    max_shift: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Total variation between what the two predict; by default 0.1 more than on real rows before, at"
        " most 0.5.",
    )
    quality_ratio: float = Field(
        default=1.1, ge=1, description="Wrong (or far off) answers, candidate over control, once the truth is known."
    )
    require: Literal["no_harm", "non_inferior"] = Field(
        default="no_harm",
        description="`no_harm`: enough requests and nothing against it; `non_inferior`: shown not to be worse.",
    )
    mirror: float = Field(
        default=0.1, ge=0, le=1, description="Share of the control's requests that the candidate is asked as well."
    )


class CanaryStep(Spec):
    share: float = Field(gt=0, lt=1, description="Share of the requests that the candidate answers.")
    min_samples: int | None = Field(default=None, ge=1, description="Instead of the analysis' own.")
    min_seconds: float = Field(default=0.0, ge=0, description="A step lasts at least this long.")
    max_seconds: float = Field(
        default=86_400.0, gt=0, description="Without a verdict by then, `on_inconclusive` says what happens."
    )
    pause: bool = Field(default=False, description="Whether a person has to advance it once it has passed.")


class _Judged(Spec):
    analysis: Analysis = Analysis()
    watch_seconds: float = Field(
        default=3_600.0, ge=0, le=90 * 86_400.0, description="How long late labels may still roll it back."
    )


class _Tried(_Judged):
    """On trial before it takes over."""

    on_inconclusive: Literal["pause", "roll_back"] = Field(
        default="pause", description="What happens when the time is up without a verdict."
    )


class _OneStep(_Tried):
    min_samples: int | None = Field(default=None, ge=1, description="Instead of the analysis' own.")
    min_seconds: float = Field(default=0.0, ge=0, description="It lasts at least this long.")
    max_seconds: float = Field(default=86_400.0, gt=0)
    then: Literal["switch", "pause"] = Field(default="pause", description="Once nothing speaks against it.")


class BlueGreen(_Judged):
    """All at once, after the production validation; the old version stays warm."""

    strategy: Literal["blue_green"] = "blue_green"


class Canary(_Tried):
    """A growing share of the requests, each step judged before the next."""

    strategy: Literal["canary"]
    steps: list[CanaryStep] = Field(
        default=[CanaryStep(share=0.05), CanaryStep(share=0.25), CanaryStep(share=0.5)], min_length=1, max_length=20
    )


class Shadow(_OneStep):
    """Copies of the requests are answered by the candidate, off their path; nobody sees its answers."""

    strategy: Literal["shadow"]
    mirror: float = Field(default=1.0, gt=0, le=1)


class ABTest(_OneStep):
    """Callers are split by their `X-Routing-Key`, and stay with their version until the test ends."""

    strategy: Literal["ab"]
    share: float = Field(default=0.5, gt=0, lt=1)
    max_seconds: float = Field(default=14 * 86_400.0, gt=0)


Strategy = Annotated[BlueGreen | Canary | Shadow | ABTest, Field(discriminator="strategy")]
