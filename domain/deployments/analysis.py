"""Is the candidate worse than the control? Judged on what both did in a trial; the watcher asks several times a second.

Each test is an e-value (see `sequential`), so it may be looked at whenever one likes. They share alpha: together they
fail an equally good candidate, in a rollout of any length and number of steps, with a chance of at most alpha.
"""

import math
from collections import Counter
from collections.abc import Sequence

from domain.deployments import findings as tests
from domain.deployments.evidence import Analysed, Expected, Finding, QualityCounts, StepCounts
from domain.deployments.latency import lacking, latency
from domain.deployments.sequential import divergence, log_e_below, over_steps, share_of_bad
from domain.deployments.strategies import Analysis

# A candidate that fails this share of its requests should have been told before it may pass.
_GROSS = 0.05
# Nats beyond the threshold that a gross fault should have brought before its absence means anything.
_CLEARLY = 3.0
# A fault this close to what is allowed cannot be waited for.
_CLOSE = 0.02
# So sure it has to be that the two agree more than two that know nothing of each other.
_NO_STRANGERS = 1_000
# However hard a fault is to tell, a step is not held up beyond so many times its `min_samples`.
_LONGEST = 5


def analyse(
    steps: Sequence[StepCounts], analysis: Analysis, *, expected: Expected, quality: QualityCounts | None = None
) -> Analysed:
    """The verdict on all that was counted, the last of the steps being the one under way.

    `fail` as soon as one test has its evidence. `pass` when nothing speaks against the candidate, the step has its
    requests, and there were so many that gross faults would have shown: one request in twenty, or always the same
    answer, or one that has nothing to do with the row. `inconclusive` until then, with what is missing.
    """
    # A step in which the control did nothing has no measure: its counts are missing, or it was never asked.
    compared = [step for step in steps if step.control.requests]
    found = [
        tests.bad_requests(compared, analysis, "faults", "failed", lambda arm: arm.faults),
        tests.bad_requests(compared, analysis, "strange", "answered NaN or infinity to", lambda arm: arm.strange),
        latency(compared, analysis),
        tests.disagreement(compared, analysis, expected),
        tests.shift(compared, analysis, expected),
        tests.quality(quality.parts if quality is not None else [], analysis),
    ]
    if any(finding.verdict == "fail" for finding in found):
        return Analysed(verdict="fail", findings=found)
    missing = [
        *_requests(steps, analysis),
        *_telling(compared, analysis, {each.name: each for each in found}),
        *_strangers(compared, expected, found[3]),
        *(f"{each.name.capitalize()}: more evidence, one way or the other." for each in found if _suspicious(each)),
    ]
    if analysis.require == "non_inferior":
        missing += _not_shown(found, analysis.alpha)
    return Analysed(verdict="inconclusive" if missing else "pass", findings=found, waits_for=missing)


def _requests(steps: Sequence[StepCounts], analysis: Analysis) -> list[str]:
    """Requests that the step under way still needs, by either version."""
    step = steps[-1] if steps else StepCounts(share=0)
    if step.share == 0:
        lacking = {"copies answered by the candidate": analysis.min_samples - step.mirrored.requests}
    else:
        # Half of what its share should bring, as lots are uneven.
        control = math.ceil(analysis.min_samples * min(1.0, (1 - step.share) / step.share) / 2)
        lacking = {
            "requests of the candidate": analysis.min_samples - step.candidate.requests,
            "requests of the control": control - step.control.requests,
        }
    return [f"{number:,} more {what}." for what, number in lacking.items() if number > 0]


def _telling(steps: Sequence[StepCounts], analysis: Analysis, found: dict[str, Finding]) -> list[str]:
    """What is missing to have told a gross fault: failing often, twice as slow, or always the commonest answer."""
    if not steps or not steps[-1].exposure:
        return []
    step, most = steps[-1], _LONGEST * analysis.min_samples
    faults, differ, shift = found["faults"], found["disagreement"], found["shift"]
    bad = (math.log(faults.fails_at) + _CLEARLY) / -math.log(share_of_bad(step.odds, analysis.error_ratio))
    needs = [
        ((bad + _CLEARLY * math.sqrt(bad)) / _GROSS, faults.candidate_of, "requests of the candidate, to tell faults"),
        (*lacking(steps, analysis, found["latency"].fails_at), "answers of the candidate, to tell slowness"),
    ]
    answers: Counter[str] = Counter()
    for each in steps:
        answers.update(each.control.answers)
    constant = 1 - max(answers.values()) / answers.total() if answers.total() else 0.0
    if differ.bound is not None and step.mirror > 0 and constant > differ.bound + _CLOSE:
        needed = (math.log(differ.fails_at) + _CLEARLY) / divergence(constant, differ.bound)
        needs.append((needed, differ.candidate_of, "copies of requests, to tell by where the two disagree"))
    if shift.bound is not None and constant > shift.bound + _CLOSE:
        gain = (constant - shift.bound) ** 2 / (2 / step.exposure + 2 * (1 - constant) / (1 - step.share))
        needed = (math.log(shift.fails_at) + tests.log_sets(len(answers)) + _CLEARLY) / gain * step.exposure
        needs.append((needed, _answered(steps), "answers of the candidate, to tell by how often it gives which"))
    return [
        f"{number:,} more {what}."
        for needed, there, what in needs
        if (number := math.ceil(min(needed, most)) - there) > 0
    ]


def _strangers(steps: Sequence[StepCounts], expected: Expected, differ: Finding) -> list[str]:
    """What is missing to have shown that the candidate saw the rows: one that guesses must not pass by good luck.

    It is asked for in a step with copies, where more is known than that the two always answer alike.
    """
    if differ.bound is None or not steps or not steps[-1].mirror or not (expected.chance or 0.0) > differ.bound:
        return []
    halfway = (differ.bound + (expected.chance or 0.0)) / 2
    log_e = over_steps([
        log_e_below(halfway, each.disagreements, each.requests - each.faults - each.disagreements)
        for each in (step.mirrored for step in steps)
    ])  # fmt: skip
    if log_e >= math.log(_NO_STRANGERS):
        return []
    return [f"Evidence that the two agree more than by chance: {math.exp(log_e):,.3g} of {_NO_STRANGERS:,}."]


def _answered(steps: Sequence[StepCounts]) -> int:
    return sum(sum(step.candidate.answers.values()) + sum(step.mirrored.answers.values()) for step in steps)


def _suspicious(finding: Finding) -> bool:
    return finding.verdict == "inconclusive" and finding.e_value >= math.sqrt(finding.fails_at)


def _not_shown(found: Sequence[Finding], alpha: float) -> list[str]:
    """What has not been shown to be no worse. All of it must be, so each may use the whole of alpha."""
    return [
        f"Evidence that it is no worse by {finding.name}: {finding.non_inferior:.3g} of {1 / alpha:.3g}."
        for finding in found
        if finding.non_inferior is not None and finding.non_inferior < 1 / alpha
    ]
