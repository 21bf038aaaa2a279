"""Is the candidate slower than it may be? By the times of live answers, and of copies that both were timed on. Pure."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from domain.deployments.evidence import Finding, StepCounts, add_bins
from domain.deployments.finding import make_finding, of_which
from domain.deployments.sequential import divergence, log_e_above, log_e_below, over_steps, share_of_bad
from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts
from domain.deployments.strategies import Analysis

# Half of the stake is on the live answers, half on the copies.
_HALF = math.log(2)
# The part of it on each edge that the control may be compared at.
_EDGES = math.log(len(LATENCY_EDGES_US))
# Edges which so many of the control's answers are beyond, the least and the most.
_FEWEST, _MOST = 0.02, 0.5
# A candidate that takes twice as long should have been told before it may pass.
_GROSS = 2.0
# The edges are products that floats round.
_ROUNDING = 1 - 1e-9


class _Slow(NamedTuple):
    """At one edge, with both arms' slow answers per step."""

    log_e: float
    edge: int
    allowed: int
    steps: list[tuple[int, int, float]]


def latency(steps: Sequence[StepCounts], analysis: Analysis) -> Finding:
    """Slow answers of live requests, or of copies that both were timed on.

    Live, a candidate that takes at most `latency_ratio` times as long for any request is beyond that many times an
    edge at most as often as the control is beyond the edge itself. Which edge says most is known only afterwards: so
    the stake is divided evenly over all, and the part on this one gets told. Of copies, it may take more than that many
    times as long for one half, as noise goes both ways.
    """
    live = _live(steps, analysis)
    timed = [(step.mirrored.slower, step.mirrored.timed - step.mirrored.slower) for step in steps]
    copies = over_steps([log_e_above(0.5, slower, others) for slower, others in timed])
    slower, of = sum(pair[0] for pair in timed), sum(sum(pair) for pair in timed)
    if live is None or (of and copies > max(live.log_e - _EDGES, 0)):
        return make_finding(
            "latency",
            analysis,
            copies - _HALF if of else 0.0,
            candidate=(slower, of),
            bound=analysis.latency_ratio,
            reverse=over_steps([log_e_below(0.5, slower, others) for slower, others in timed]) - _HALF,
            sentence=f"The candidate took more than {analysis.latency_ratio:.3g} times as long as the control for"
            f" {of_which(slower, of, 'copies of requests')}",
        )
    slow, other = sum(each[0] for each in live.steps), sum(each[1] for each in live.steps)
    of, control_of = (sum(sum(arm.latency) for arm in arms) for arms in _arms(steps))
    # Below this edge is not every tenth of the control's, so there is something to compare with.
    reverse = _at(steps, analysis, max(_percentile(steps) - 1, 0)).steps
    no_worse = over_steps([log_e_below(share_of_bad(odds, 1), slow, other) for slow, other, odds in reverse])
    return make_finding(
        "latency",
        analysis,
        live.log_e - _EDGES - _HALF,
        candidate=(slow, of),
        control=(other, control_of),
        bound=analysis.latency_ratio,
        reverse=no_worse - _EDGES - _HALF,
        sentence=f"The candidate took {_milliseconds(live.allowed)} or more for {of_which(slow, of, 'requests')},"
        f" the control {_milliseconds(live.edge)} or more for {of_which(other, control_of, 'requests')}",
    )


def lacking(steps: Sequence[StepCounts], analysis: Analysis, fails_at: float) -> tuple[float, int]:
    """How many answers, or timed copies, it takes to tell a candidate `_GROSS` times as slow; and how many there are.

    None are needed where that is no fault, or cannot be seen in times like the control's.
    """
    share, times = steps[-1].share, add_bins([step.control.latency for step in steps])
    there = sum(step.mirrored.timed if share == 0 else sum(step.candidate.latency) for step in steps)
    if analysis.latency_ratio >= _GROSS or not any(times):
        return 0, there
    threshold, best = math.log(fails_at) + _HALF, 0.0
    if share == 0:
        return threshold / math.log(2), there
    for edge in _edges(times):
        gross = bisect_left(LATENCY_EDGES_US, _edge_us(_allowed(edge, analysis)) / _GROSS)
        slow = share * _beyond(times, gross) / sum(times)
        other = (1 - share) * _beyond(times, edge) / sum(times)
        if slow * (1 - share) > other * share:
            best = max(best, (slow + other) * divergence(slow / (slow + other), share))
    return (threshold + _EDGES) / best * share if best else 0, there


def _live(steps: Sequence[StepCounts], analysis: Analysis) -> _Slow | None:
    """At the edge that says most, or else the control's 90th percentile; None without answers of both."""
    if not all(any(any(arm.latency) for arm in arms) for arms in _arms(steps)):
        return None
    times = add_bins([step.control.latency for step in steps])
    best = max((_at(steps, analysis, edge) for edge in _edges(times)), key=lambda slow: slow.log_e)
    return best if best.log_e > 0 else _at(steps, analysis, _percentile(steps))


def _at(steps: Sequence[StepCounts], analysis: Analysis, edge: int) -> _Slow:
    allowed = _allowed(edge, analysis)
    counts = [
        (_beyond(step.candidate.latency, allowed), _beyond(step.control.latency, edge), step.share / (1 - step.share))
        for step in steps
    ]
    log_e = over_steps([log_e_above(share_of_bad(odds, 1), slow, other) for slow, other, odds in counts])
    return _Slow(log_e, edge, allowed, counts)


def _arms(steps: Sequence[StepCounts]) -> tuple[list[ArmCounts], list[ArmCounts]]:
    return [step.candidate for step in steps], [step.control for step in steps]


def _edges(times: Sequence[int]) -> list[int]:
    """Edges that at most half of the times are beyond, down to the first that hardly any is beyond."""
    found, of, beyond = [], sum(times), sum(times)
    for edge in range(len(LATENCY_EDGES_US)):
        beyond -= times[edge]
        if beyond <= _MOST * of:
            found.append(edge)
        if beyond <= _FEWEST * of:
            break
    return found or [len(LATENCY_EDGES_US) - 1]


def _percentile(steps: Sequence[StepCounts]) -> int:
    """The first edge that at most a tenth of the control's answers are beyond, or the last."""
    times = add_bins([step.control.latency for step in steps])
    last = len(LATENCY_EDGES_US) - 1
    return next((edge for edge in range(last) if _beyond(times, edge) * 10 <= sum(times)), last)


def _allowed(edge: int, analysis: Analysis) -> int:
    """The first edge that is `latency_ratio` times as far; one more than there are when none is."""
    return bisect_left(LATENCY_EDGES_US, _edge_us(edge) * analysis.latency_ratio * _ROUNDING)


def _edge_us(edge: int) -> float:
    return LATENCY_EDGES_US[edge] if edge < len(LATENCY_EDGES_US) else math.inf


def _beyond(times: Sequence[int], edge: int) -> int:
    """How many took as long as the edge, or longer."""
    return sum(times[edge + 1 :])


def _milliseconds(edge: int) -> str:
    return f"{_edge_us(edge) / 1000:.3g} ms"
