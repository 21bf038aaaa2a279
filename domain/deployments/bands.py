"""What each test leaves possible by now: confidence sequences, by inverting the very e-values that decide. Pure.

A value is out of a band once the e-value against "at most this" or against "at least this" has reached what the test
fails at; so a test fails exactly when the low end of its band reaches what is allowed (see `Band`). As the e-values may
be watched, so may the bands: an end ever leaves the truth behind with a chance of at most the test's share of alpha.
All low ends together hold with 1 - alpha, and a whole band with `coverage`.

Where requests are not alike (a candidate that gets worse from step to step) the low end is one of the largest value,
and the high end one of the smallest.

Source: Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences";
the e-values are those of `sequential`.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple

from pydantic import Field

from domain.datasets.specs import Spec
from domain.deployments import findings as tests
from domain.deployments.evidence import Expected, FindingName, Labelled, QualityCounts, StepCounts
from domain.deployments.finding import WEIGHTS, from_log, threshold
from domain.deployments.latency import (
    MOST_SLOWER,
    log_e_faster,
    log_e_faster_copies,
    log_e_slower,
    log_e_slower_copies,
    slower_copies,
    times_as_long,
)
from domain.deployments.sequential import BadCounts, Shares, log_e_less, log_e_more, log_e_over, log_e_under
from domain.deployments.strategies import Analysis

BandName = Literal["faults", "strange", "latency", "slower_copies", "disagreement", "shift", "quality"]
LogE = Callable[[float], float]


def _significant(value: float) -> float:
    return float(f"{value:.4g}")


# Values that a band may end at, a hundredth apart: of ratios, and of shares by their odds; of times, by their edges.
_RATIOS: Final = tuple(_significant(1.01**step) for step in range(-700, 701))
_SHARES: Final = tuple(sorted({_significant(ratio / (1 + ratio)) for ratio in _RATIOS}))
_TIMES: Final = tuple(1.5 ** (step / 4) for step in range(-28, 29))


class Quantity(NamedTuple):
    """What a band is about: the test that it inverts, its measure, and the part of the test's stake that is on it."""

    test: FindingName
    measure: Literal["ratio", "share"]
    part: float = 1.0


QUANTITIES: Final[dict[BandName, Quantity]] = {
    "faults": Quantity("faults", "ratio"),
    "strange": Quantity("strange", "ratio"),
    "latency": Quantity("latency", "ratio", 0.5),
    "slower_copies": Quantity("latency", "share", 0.5),
    "disagreement": Quantity("disagreement", "share"),
    "shift": Quantity("shift", "share"),
    "quality": Quantity("quality", "ratio"),
}


class Band(Spec):
    """A confidence sequence at one moment. The test fails exactly when `low` is at or above what is allowed."""

    estimate: float | None = Field(default=None, description="What was counted comes to, or the end nearest to it.")
    low: float | None = Field(default=None, description="Lower values are ruled out. Null: none are.")
    high: float | None = Field(default=None, description="Higher values are ruled out. Null: none are.")

    def reaches(self, allowed: float | None) -> bool:
        """Whether all that is allowed is ruled out, which is when the test fails."""
        return allowed is not None and self.low is not None and self.low >= allowed


def coverage(name: BandName, analysis: Analysis) -> float:
    """The least chance with which a whole band holds the truth, at all times at once."""
    test, _, part = QUANTITIES[name]
    return 1 - 2 * analysis.alpha * WEIGHTS[test] * part


def limit(name: BandName, analysis: Analysis, expected: Expected) -> float | None:
    """What the test of a quantity allows; None where it is not judged."""
    match name:
        case "faults" | "strange":
            return analysis.error_ratio
        case "latency":
            return analysis.latency_ratio
        case "slower_copies":
            return MOST_SLOWER
        case "disagreement":
            return tests.most_disagreement(analysis, expected)
        case "shift":
            return tests.most_shift(analysis, expected)
        case "quality":
            return analysis.quality_ratio


class Stake(NamedTuple):
    """Where a band may end, the log e-values against "at most" and "at least" a value, and what was counted."""

    values: Sequence[float]
    at_most: LogE
    at_least: LogE
    estimate: float | None

    def is_above(self, value: float, fails_at: float) -> bool:
        """Whether it has been shown to be more than this."""
        return from_log(self.at_most(value)) >= fails_at

    def is_below(self, value: float, fails_at: float) -> bool:
        return from_log(self.at_least(value)) >= fails_at


def bands(
    steps: Sequence[StepCounts], analysis: Analysis, *, expected: Expected, quality: QualityCounts | None = None
) -> dict[BandName, Band]:
    """The bands of all quantities of which something is known, from what `analyse` is given."""
    found = {
        name: _band(each, limit(name, analysis, expected), threshold(QUANTITIES[name].test, analysis))
        for name, each in stakes(steps, quality).items()
    }
    return {name: band for name, band in found.items() if band != Band()}


def stakes(steps: Sequence[StepCounts], quality: QualityCounts | None) -> dict[BandName, Stake]:
    """What is bet on each quantity, by the same counts as `analyse` goes by."""
    compared = [step for step in steps if step.control.requests]
    faults = tests.bad_counts(compared, lambda arm: arm.faults)
    strange = tests.bad_counts(compared, lambda arm: arm.strange)
    differ, slower, excess = tests.copies_that_differ(compared), slower_copies(compared), tests.excess(compared)
    parts = quality.parts if quality is not None else []
    found: dict[BandName, Stake] = {
        "faults": Stake(_RATIOS, partial(log_e_more, faults), partial(log_e_less, faults), _ratio(faults)),
        "strange": Stake(_RATIOS, partial(log_e_more, strange), partial(log_e_less, strange), _ratio(strange)),
        "latency": Stake(
            _TIMES, partial(log_e_slower, compared), partial(log_e_faster, compared), times_as_long(compared)
        ),
        "slower_copies": Stake(
            _SHARES, partial(log_e_slower_copies, slower), partial(log_e_faster_copies, slower), _share(slower)
        ),
        "disagreement": Stake(_SHARES, partial(log_e_over, differ), partial(log_e_under, differ), _share(differ)),
        "quality": Stake(
            _RATIOS,
            partial(tests.log_e_wrong, parts),
            partial(tests.log_e_surely_right, parts),
            _wrong(parts),
        ),
    }
    if excess.of and excess.control_of:
        found["shift"] = Stake(
            _SHARES,
            partial(tests.log_e_excess, excess),
            partial(tests.log_e_alike_over, compared),
            excess.total_variation,
        )
    return found


def _band(stake: Stake, allowed: float | None, fails_at: float) -> Band:
    """What is ruled out is all on one side: `at_most` falls as its value grows, `at_least` rises."""
    values, estimate = stake.values, stake.estimate
    below = bisect_left(values, True, key=lambda value: not stake.is_above(value, fails_at))
    low = values[below - 1] if below else None
    if allowed is not None and stake.is_above(allowed, fails_at):
        low = max(low or allowed, allowed)
    above = bisect_left(values, True, key=lambda value: stake.is_below(value, fails_at))
    high = values[above] if above < len(values) else None
    if low is not None and high is not None:  # steps that differ may rule out the same values from both sides
        high = max(low, high)
    if estimate is not None:
        estimate = max(_significant(estimate), low or 0.0)
        estimate = min(estimate, high) if high is not None else estimate
    return Band(estimate=estimate, low=low, high=high)


def _ratio(counts: BadCounts) -> float | None:
    """The candidate's bad events over those it would have had at the control's rate."""
    bad, like = sum(each[1] for each in counts), sum(odds * control for odds, _, control in counts)
    return bad / like if like else None


def _share(counts: Shares) -> float | None:
    hits, of = sum(each[0] for each in counts), sum(map(sum, counts))
    return hits / of if of else None


def _wrong(parts: Sequence[Labelled]) -> float | None:
    like = sum(
        part.control_wrong / max(part.control_rows, 1) * part.candidate_rows
        if part.share is None
        else part.control_wrong * part.share / (1 - part.share)
        for part in parts
    )
    return sum(part.candidate_wrong for part in parts) / like if like else None
