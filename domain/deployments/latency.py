"""Is the candidate slower than it may be? By the times of live answers, and of copies that both were timed on. Pure."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.deployments.evidence import Finding, StepCounts, add_bins
from domain.deployments.finding import make_finding, of_which
from domain.deployments.sequential import (
    BadCounts,
    Shares,
    divergence,
    log_e_less,
    log_e_more,
    log_e_over,
    log_e_under,
)
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
_FIRST, _LAST = LATENCY_EDGES_US[0] * _ROUNDING, LATENCY_EDGES_US[-1] / _ROUNDING
# Of the copies, how many may take longer than they may.
MOST_SLOWER: Final = 0.5


class _Slow(NamedTuple):
    """At one edge, with both arms' slow answers per step."""

    log_e: float
    edge: int
    allowed: int
    steps: BadCounts

    @property
    def staked(self) -> float:
        """What has become of the part of the stake that is on this edge."""
        return self.log_e - _EDGES - _HALF


def latency(steps: Sequence[StepCounts], analysis: Analysis) -> Finding:
    """Slow answers of live requests, or of copies that both were timed on.

    Live, a candidate that takes at most `latency_ratio` times as long for any request is beyond that many times an
    edge at most as often as the control is beyond the edge itself. Which edge says most is known only afterwards: so
    the stake is divided evenly over all, and the part on this one gets told. Of copies, it may take more than that many
    times as long for one half, as noise goes both ways.
    """
    live = _live(steps, analysis.latency_ratio)
    timed = slower_copies(steps)
    copies = log_e_over(timed, MOST_SLOWER)
    slower, of = sum(pair[0] for pair in timed), sum(sum(pair) for pair in timed)
    if live is None or (of and copies > max(live.log_e - _EDGES, 0)):
        return make_finding(
            "latency",
            analysis,
            log_e_slower_copies(timed, MOST_SLOWER) if of else 0.0,
            candidate=(slower, of),
            bound=analysis.latency_ratio,
            reverse=log_e_faster_copies(timed, MOST_SLOWER),
            sentence=f"The candidate took more than {analysis.latency_ratio:.3g} times as long as the control for"
            f" {of_which(slower, of, 'copies of requests')}",
        )
    slow, other = sum(each[1] for each in live.steps), sum(each[2] for each in live.steps)
    of, control_of = (sum(sum(arm.latency) for arm in arms) for arms in _arms(steps))
    # Below this edge is not every tenth of the control's, so there is something to compare with.
    no_worse = log_e_less(_at(steps, analysis.latency_ratio, max(_percentile(steps) - 1, 0)).steps, 1)
    return make_finding(
        "latency",
        analysis,
        live.staked,
        candidate=(slow, of),
        control=(other, control_of),
        bound=analysis.latency_ratio,
        reverse=no_worse - _EDGES - _HALF,
        sentence=f"The candidate took {_milliseconds(live.allowed)} or more for {of_which(slow, of, 'requests')},"
        f" the control {_milliseconds(live.edge)} or more for {of_which(other, control_of, 'requests')}",
    )


def slower_copies(steps: Sequence[StepCounts]) -> Shares:
    """Copies that both were timed on, by whether it took the candidate longer than it may."""
    return [(step.mirrored.slower, step.mirrored.timed - step.mirrored.slower) for step in steps]


def log_e_slower(steps: Sequence[StepCounts], ratio: float) -> float:
    """Against "it takes at most `ratio` times as long", by the live answers."""
    live = _live(steps, ratio)
    return live.staked if live is not None else -math.inf


def log_e_faster(steps: Sequence[StepCounts], ratio: float) -> float:
    """The reverse, against "at least `ratio` times as long"; `ratio` is that of two edges.

    Of a multiple that lies beyond the edges nobody knows how often it is passed.
    """
    if _live(steps, ratio) is None:
        return -math.inf
    edges = _edges(add_bins([step.control.latency for step in steps]))
    multiples = [edge for edge in edges if _FIRST <= _edge_us(edge) * ratio < _LAST]
    logs = [log_e_less(_at(steps, ratio, edge).steps, 1) for edge in multiples]
    return max(logs, default=-math.inf) - _EDGES - _HALF


def log_e_slower_copies(timed: Shares, share: float) -> float:
    """Against "at most this share of the copies takes it longer than it may"."""
    return log_e_over(timed, share) - _HALF


def log_e_faster_copies(timed: Shares, share: float) -> float:
    """The reverse: against "at least this share"."""
    return log_e_under(timed, share) - _HALF


def times_as_long(steps: Sequence[StepCounts]) -> float | None:
    """The candidate's median time over the control's, by the live answers; None without answers of both."""
    medians = [_median(add_bins([arm.latency for arm in arms])) for arms in _arms(steps)]
    candidate, control = medians
    return candidate / control if candidate and control else None


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
        gross = bisect_left(LATENCY_EDGES_US, _edge_us(_allowed(edge, analysis.latency_ratio)) / _GROSS)
        slow = share * _beyond(times, gross) / sum(times)
        other = (1 - share) * _beyond(times, edge) / sum(times)
        if slow * (1 - share) > other * share:
            best = max(best, (slow + other) * divergence(slow / (slow + other), share))
    return (threshold + _EDGES) / best * share if best else 0, there


def _live(steps: Sequence[StepCounts], ratio: float) -> _Slow | None:
    """At the edge that says most, or else the control's 90th percentile; None without answers of both."""
    if not all(any(any(arm.latency) for arm in arms) for arms in _arms(steps)):
        return None
    times = add_bins([step.control.latency for step in steps])
    best = max((_at(steps, ratio, edge) for edge in _edges(times)), key=lambda slow: slow.log_e)
    return best if best.log_e > 0 else _at(steps, ratio, _percentile(steps))


def _at(steps: Sequence[StepCounts], ratio: float, edge: int) -> _Slow:
    allowed = _allowed(edge, ratio)
    counts = [
        (step.share / (1 - step.share), _beyond(step.candidate.latency, allowed), _beyond(step.control.latency, edge))
        for step in steps
    ]
    return _Slow(log_e_more(counts, 1), edge, allowed, counts)


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


def _allowed(edge: int, ratio: float) -> int:
    """The first edge that is so many times as far; one more than there are when none is."""
    return bisect_left(LATENCY_EDGES_US, _edge_us(edge) * ratio * _ROUNDING)


def _edge_us(edge: int) -> float:
    return LATENCY_EDGES_US[edge] if edge < len(LATENCY_EDGES_US) else math.inf


def _beyond(times: Sequence[int], edge: int) -> int:
    """How many took as long as the edge, or longer."""
    return sum(times[edge + 1 :])


def _median(times: Sequence[int]) -> float | None:
    """In microseconds: where between two edges half of the answers have come, as if they grew by equal parts."""
    before, half = 0, sum(times) / 2
    for place, count in enumerate(times):
        if count and before + count >= half:
            low, high = _edge_us(max(place - 1, 0)), _edge_us(min(place, len(LATENCY_EDGES_US) - 1))
            return low * math.pow(high / low, (half - before) / count)
        before += count
    return None


def _milliseconds(edge: int) -> str:
    return f"{_edge_us(edge) / 1000:.3g} ms"
