"""How what one test has counted, and its e-value, become a `Finding` with a sentence for a person."""

import math
from typing import Final

from domain.deployments.evidence import Finding, FindingName
from domain.deployments.strategies import Analysis

# How alpha is shared between the tests.
WEIGHTS: Final[dict[FindingName, float]] = {
    "faults": 0.25,
    "latency": 0.2,
    "disagreement": 0.15,
    "shift": 0.15,
    "quality": 0.15,
    "strange": 0.1,
}
_LARGEST = 690.0  # of a logarithm whose number is a float


def threshold(name: FindingName, analysis: Analysis) -> float:
    """The e-value at which a test fails a candidate."""
    return 1 / (analysis.alpha * WEIGHTS[name])


def from_log(log_e: float) -> float:
    return math.exp(min(log_e, _LARGEST))


def of_which(count: int, of: int, what: str) -> str:
    return f"{count:,} of {of:,} {what}" + (f" ({count / of:.2%})" if of else "")


def make_finding(
    name: FindingName,
    analysis: Analysis,
    log_e: float,
    *,
    sentence: str,
    candidate: tuple[int, int] = (0, 0),
    control: tuple[int, int] = (0, 0),
    bound: float | None = None,
    reverse: float | None = None,
) -> Finding:
    """What a test found: `candidate` and `control` as counts of how many, `reverse` the log e-value of "not worse"."""
    fails_at = threshold(name, analysis)
    e_value = from_log(log_e)
    failed, unknown = e_value >= fails_at, candidate[1] == 0 or bound is None
    if failed:
        one_of = min(e_value, 1e9)
        sentence += (
            f": a candidate within bounds would show this at some time in fewer than 1 of {one_of:,.0f} rollouts"
        )
    return Finding(
        name=name,
        verdict="fail" if failed else "inconclusive" if unknown or e_value >= math.sqrt(fails_at) else "pass",
        candidate=candidate[0] / candidate[1] if candidate[1] else None,
        control=control[0] / control[1] if control[1] else None,
        bound=bound,
        candidate_count=candidate[0],
        candidate_of=candidate[1],
        control_count=control[0],
        control_of=control[1],
        e_value=e_value,
        fails_at=fails_at,
        non_inferior=None if reverse is None or not candidate[1] else from_log(reverse),
        sentence=f"{sentence}.",
    )
