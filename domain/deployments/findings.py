"""One test each for what can be wrong with a candidate on live traffic: from counts to a `Finding`. Pure."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple
from zlib import crc32

from domain.deployments.evidence import Expected, Finding, FindingName, Labelled, StepCounts
from domain.deployments.finding import make_finding, of_which
from domain.deployments.sequential import (
    BadCounts,
    Shares,
    log_e_above,
    log_e_alike,
    log_e_below,
    log_e_difference,
    log_e_less,
    log_e_more,
    log_e_over,
    log_e_under,
    log_mean,
    over_steps,
    share_of_bad,
)
from domain.deployments.specs import ArmCounts, MirrorCounts
from domain.deployments.strategies import Analysis

# By how much answers may differ more than on real rows before; and however much they differed then, three quarters of
# what two versions that know nothing of each other disagree by, or half of the answers elsewhere, is a fault.
_MORE, _OF_CHANCE, _MOST_SHIFT = 0.1, 0.75, 0.5
# Shown not to be worse: less than twice the faults that are allowed, or fewer than one request in a hundred.
_WORSE, _RARE = 2.0, 0.01
# Of more labels than this, lots of them are counted.
_MOST_LABELS = 16
# Where nothing is allowed: one in a billion is.
_NEVER = 1e-9


def bad_requests(
    steps: Sequence[StepCounts],
    analysis: Analysis,
    name: FindingName,
    verb: str,
    count: Callable[[ArmCounts | MirrorCounts], int],
) -> Finding:
    """Faults, or answers that are no numbers: the candidate's, copies included, among all that happened."""
    counts = bad_counts(steps, count)
    reverse = log_e_less(counts, analysis.error_ratio * _WORSE)
    rare = over_steps([
        log_e_below(_RARE, bad, max(step.asked - bad, 0)) for step, (_, bad, _) in zip(steps, counts, strict=True)
    ])  # fmt: skip
    bad, of = sum(each[1] for each in counts), sum(each.asked for each in steps)
    control, control_of = sum(each[2] for each in counts), sum(each.control.requests for each in steps)
    return make_finding(
        name,
        analysis,
        log_e_more(counts, analysis.error_ratio),
        candidate=(bad, of),
        control=(control, control_of),
        bound=analysis.error_ratio,
        reverse=log_mean([reverse, rare]),
        sentence=f"The candidate {verb} {of_which(bad, of, 'requests')},"
        f" the control {of_which(control, control_of, 'requests')}",
    )


def disagreement(steps: Sequence[StepCounts], analysis: Analysis, expected: Expected) -> Finding:
    """Copies of requests that the two versions answer differently."""
    bound = most_disagreement(analysis, expected)
    counts = copies_that_differ(steps)
    differ, of = sum(each[0] for each in counts), sum(map(sum, counts))
    said = f"The two disagree on {of_which(differ, of, 'copies of requests')}"
    if bound is None:
        said += "; nothing is known of what to expect, so it is not judged"
        return make_finding("disagreement", analysis, 0.0, candidate=(differ, of), sentence=said)
    return make_finding(
        "disagreement",
        analysis,
        log_e_over(counts, bound),
        candidate=(differ, of),
        bound=bound,
        reverse=log_e_under(counts, bound),
        sentence=f"{said}; {bound:.1%} are allowed",
    )


def shift(steps: Sequence[StepCounts], analysis: Analysis, expected: Expected) -> Finding:
    """The total variation between what the two answer: how many answers would have to be others.

    It is the excess of the candidate in the set of answers that it gives more often. Which set that is, is known only
    afterwards; so the stake is divided over all sets, and the part on this one gets told.
    """
    bound, counts = most_shift(analysis, expected), excess(steps)
    if not counts.of or not counts.control_of:
        return make_finding("shift", analysis, 0.0, bound=bound, sentence="No answers of both have been counted")
    return make_finding(
        "shift",
        analysis,
        log_e_excess(counts, bound),
        candidate=(counts.candidate, counts.of),
        control=(counts.control, counts.control_of),
        bound=bound,
        sentence=f"The total variation between the two's answers is {counts.total_variation:.1%};"
        f" {bound:.1%} are allowed",
    )


def quality(parts: Sequence[Labelled], analysis: Analysis) -> Finding:
    """Answers known to be wrong by now.

    A version that came after the other is compared with three standard errors above what that one's share was.
    """
    wrong, of = sum(part.candidate_wrong for part in parts), sum(part.candidate_rows for part in parts)
    control, control_of = sum(part.control_wrong for part in parts), sum(part.control_rows for part in parts)
    return make_finding(
        "quality",
        analysis,
        log_e_wrong(parts, analysis.quality_ratio),
        candidate=(wrong, of),
        control=(control, control_of),
        bound=analysis.quality_ratio,
        reverse=log_e_right(parts, analysis.quality_ratio),
        sentence=f"Of the answers whose truth is known the candidate's are wrong in {of_which(wrong, of, 'cases')},"
        f" the control's in {of_which(control, control_of, 'cases')}",
    )


def bad_counts(steps: Sequence[StepCounts], count: Callable[[ArmCounts | MirrorCounts], int]) -> BadCounts:
    """What went wrong per step: the candidate's, copies included, and the control's."""
    return [(step.odds, count(step.candidate) + count(step.mirrored), count(step.control)) for step in steps]


def copies_that_differ(steps: Sequence[StepCounts]) -> Shares:
    """Copies that the candidate answered, by whether the two disagree."""
    return [
        (step.mirrored.disagreements, step.mirrored.requests - step.mirrored.faults - step.mirrored.disagreements)
        for step in steps
    ]


class Excess(NamedTuple):
    """What both answer in the set of answers that the candidate gives more often."""

    hits: list[tuple[int, int]]  # per step: the candidate's, the control's
    steps: Sequence[StepCounts]
    labels: int
    of: int
    control_of: int

    @property
    def candidate(self) -> int:
        return sum(each[0] for each in self.hits)

    @property
    def control(self) -> int:
        return sum(each[1] for each in self.hits)

    @property
    def total_variation(self) -> float:
        return self.candidate / self.of - self.control / self.control_of


def excess(steps: Sequence[StepCounts]) -> Excess:
    """How the two answer; in lots, where there are too many answers to tell apart."""
    counts = [answers(step) for step in steps]
    labels = {label for each in counts for arm in each for label in arm}
    if len(labels) > _MOST_LABELS:
        counts = [(_in_lots(candidate), _in_lots(control)) for candidate, control in counts]
    ours, theirs = (sum((each[arm] for each in counts), Counter[str]()) for arm in (0, 1))
    of, control_of = ours.total(), theirs.total()
    more = {label for label in ours if ours[label] * control_of > theirs[label] * of}
    hits = [(sum(mine[label] for label in more), sum(other[label] for label in more)) for mine, other in counts]
    return Excess(hits, steps, len(labels), of, control_of)


def log_e_excess(counts: Excess, margin: float) -> float:
    """Against "no set of answers is the candidate's at most `margin` more often": part of the stake is on this set."""
    log_e = over_steps([
        log_e_difference(margin, (step.exposure, 1 - step.share), hits, step.drawn)
        for step, hits in zip(counts.steps, counts.hits, strict=True)
    ])  # fmt: skip
    return log_e - log_sets(counts.labels)


def log_e_alike_over(steps: Sequence[StepCounts], margin: float) -> float:
    """The reverse: against "some set of answers is the candidate's at least `margin` more often"."""
    logs = []
    for step in steps:
        mine, other = answers(step)
        given = [(mine[label], other[label]) for label in mine | other]
        none = (max(step.asked - mine.total(), 0), max(step.control.requests - other.total(), 0))
        logs.append(log_e_alike(margin, (step.exposure, 1 - step.share), given, none, step.drawn))
    return over_steps(logs)


def log_e_wrong(parts: Sequence[Labelled], ratio: float) -> float:
    """Against "the candidate is wrong at most `ratio` times as often"."""
    return over_steps([log_e_above(*_wrong(part, ratio, errors=3)) for part in parts])


def log_e_right(parts: Sequence[Labelled], ratio: float) -> float:
    """The reverse: against "at least `ratio` times as often"."""
    return over_steps([log_e_below(*_wrong(part, ratio, errors=3)) for part in parts])


def log_e_surely_right(parts: Sequence[Labelled], ratio: float) -> float:
    """The reverse where a control that came before may have been wrong less often than it was seen to be."""
    logs = []
    for part in parts:
        bound, wrong, others = _wrong(part, ratio, errors=-3)
        logs.append(log_e_below(min(bound, 1 - _NEVER), wrong, others))
    return over_steps(logs)


def _wrong(part: Labelled, ratio: float, *, errors: float) -> tuple[float, int, int]:
    """What share of how many is the candidate's when it is wrong `ratio` times as often as the control."""
    if part.share is None:
        right = part.candidate_rows - part.candidate_wrong
        bound = _within(_upper(part.control_wrong, part.control_rows, errors) * ratio)
        return bound, part.candidate_wrong, right
    return share_of_bad(part.share / (1 - part.share), ratio), part.candidate_wrong, part.control_wrong


def most_disagreement(analysis: Analysis, expected: Expected) -> float | None:
    """The bound on disagreement; None when nothing is known of what to expect."""
    if analysis.max_disagreement is not None:
        return max(analysis.max_disagreement, _NEVER)
    if expected.rows == 0:
        return None
    bound = _upper(round(expected.disagreement * expected.rows), expected.rows, 2) + _MORE
    # Of two that always give the same answer nothing can be said by chance.
    return _within(min(bound, _OF_CHANCE * expected.chance) if expected.chance else bound)


def most_shift(analysis: Analysis, expected: Expected) -> float:
    """The bound on the total variation."""
    return min(expected.shift + _MORE, _MOST_SHIFT) if analysis.max_shift is None else analysis.max_shift


def log_sets(labels: int) -> float:
    """Log of how many parts the stake on a shift is divided into.

    A half is on the sets of answers, a half on those of lots of them, where there are too many to tell apart. A label
    that appears only later divides each part anew.
    """
    return (1 + min(labels, _MOST_LABELS)) * math.log(2)


def answers(step: StepCounts) -> tuple[Counter[str], Counter[str]]:
    """What the candidate said, copies included, and what the control said."""
    candidate = Counter(step.candidate.answers)
    candidate.update(step.mirrored.answers)
    return candidate, Counter(step.control.answers)


def _in_lots(answers: Counter[str]) -> Counter[str]:
    """Labels by lot: which is in which does not depend on what was seen."""
    lots: Counter[str] = Counter()
    for label, times in answers.items():
        lots[f"lot {crc32(label.encode()) % _MOST_LABELS}"] += times
    return lots


def _upper(hits: int, of: int, errors: float) -> float:
    """A share, and so many standard errors more. Never sure: as if one more had been half a hit."""
    share = (hits + 0.5) / (of + 1)
    return share + errors * math.sqrt(share * (1 - share) / (of + 1))


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
