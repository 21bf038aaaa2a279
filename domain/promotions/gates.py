"""The gate: evidence in, PASS, FAIL or INCONCLUSIVE out. Pure; the same evidence always comes to the same decision."""

from collections.abc import Sequence

from domain.model_checks.specs import (
    ModelCheckResult,
    PairedComparison,
    SliceComparison,
    SuiteReport,
    Verdict,
    said_effect,
)
from domain.model_checks.verdict import judge
from domain.promotions.specs import BehaviourGate, ChampionGate, Decision, Evidence, GateVerdict, Policy


def evaluate(policy: Policy, evidence: Evidence) -> Decision:
    """Judge every gate of `policy`, and the pinned mistakes. One FAIL fails; else one INCONCLUSIVE leaves it open.

    A policy without gates shows nothing, and fails.
    """
    if not policy.gates:
        return Decision(verdict="fail", gates=[], reason="The policy has no gates, so nothing can be shown: set one.")
    results = iter(evidence.checks)
    suites = {report.suite: report for report in evidence.suites}
    verdicts = []
    for gate in policy.gates:
        if isinstance(gate, ChampionGate):
            verdicts.append(_against_champion(evidence))
        elif isinstance(gate, BehaviourGate):
            verdicts.append(_suite(gate, suites.get(gate.suite), evidence.unchecked))
        else:
            verdicts.append(_check(gate.gate, next(results, None), evidence.unchecked))
    if evidence.pin_ids or evidence.pins is not None:
        verdicts.append(_pinned(evidence))
    for verdict in ("fail", "inconclusive"):
        decisive = list(dict.fromkeys(one.message for one in verdicts if one.verdict == verdict))
        if decisive:
            return Decision(verdict=verdict, gates=verdicts, reason=" ".join(decisive))
    return Decision(verdict="pass", gates=verdicts, reason=" ".join(one.message for one in verdicts))


def _check(gate: str, check: ModelCheckResult | None, unchecked: Sequence[str]) -> GateVerdict:
    if unchecked or check is None:
        return _not_run(gate, f"The check {gate!r} has not been run on this version.", unchecked)
    details = {"value": check.value, "threshold": check.threshold}
    if check.severity == "warn" and check.verdict != "pass":
        message = f"Only a warning: {check.message}"
        return GateVerdict(gate=gate, verdict="pass", message=message, details={**details, "warned": check.verdict})
    return GateVerdict(gate=gate, verdict=check.verdict, message=check.message, details=details)


def _suite(gate: BehaviourGate, report: SuiteReport | None, unchecked: Sequence[str]) -> GateVerdict:
    name = f"behaviour:{gate.suite}"
    if unchecked or report is None:
        return _not_run(name, f"The suite {gate.suite!r} has not been run on this version.", unchecked)
    verdict = judge(report.results)
    worse = [one for one in report.results if one.severity == "error" and one.verdict != "pass"]
    warned = [one for one in report.results if one.severity == "warn" and one.verdict != "pass"]
    told = f"{len(report.results) - len(worse) - len(warned)} of {len(report.results)} checks pass"
    told += f", {len(warned)} warn" if warned else ""
    first = "".join(f" {one.name or one.gate}: {one.message}" for one in worse[:3])
    more = f" And {len(worse) - 3} more." if len(worse) > 3 else ""
    return GateVerdict(
        gate=name,
        verdict=verdict,
        message=f"The suite {gate.suite!r} version {report.version}: {told}.{first}{more}",
        details={"suite": report.suite, "version": report.version, "digest": report.digest},
    )


def _pinned(evidence: Evidence) -> GateVerdict:
    if evidence.unchecked or evidence.pins is None:
        return _not_run("pinned", "The pinned mistakes have not been run on this version.", evidence.unchecked)
    pins = evidence.pins
    return GateVerdict(gate="pinned", verdict=pins.verdict, message=pins.message, details={"rows": pins.rows})


def _not_run(gate: str, message: str, unchecked: Sequence[str]) -> GateVerdict:
    return GateVerdict(gate=gate, verdict="inconclusive", message=" ".join(unchecked) or message)


def _against_champion(evidence: Evidence) -> GateVerdict:
    if evidence.champion_version is None:
        return GateVerdict(
            gate="champion", verdict="pass", message="There is no champion yet; the absolute gates alone decide."
        )
    if evidence.comparison is None:
        missing = " ".join(evidence.missing) or "No comparison with the champion was made."
        return GateVerdict(gate="champion", verdict="inconclusive", message=missing)
    comparison = evidence.comparison
    verdict, message = compare_verdict(comparison)
    if comparison.slices:
        on_slices, told = slices_verdict(comparison.slices)
        verdict, message = _worst(verdict, on_slices), f"{message} {told}"
    if evidence.excluded:
        message += " Left out: " + "; ".join(f"{one.rows} rows, {one.reason}" for one in evidence.excluded) + "."
    if evidence.alpha is not None and evidence.alpha.rule == "none":
        message += f" {evidence.alpha.message}"
    return GateVerdict(gate="champion", verdict=verdict, message=message, details=comparison.model_dump(mode="json"))


def compare_verdict(comparison: PairedComparison) -> tuple[Verdict, str]:
    """PASS when the lower bound of the effect is above the bar, FAIL when the upper is below it, else open.

    The bar is the minimum effect of superiority, or minus the margin of non-inferiority.
    """
    better = comparison.hypothesis == "superiority"
    bar = comparison.min_effect if better else -comparison.margin
    figures = (
        f"{comparison.metric} {comparison.challenger_value:.4g} against the champion's {comparison.champion_value:.4g} "
        f"on the same {comparison.rows} rows: "
        f"{said_effect(comparison.effect, comparison.low, comparison.high)}, p = {comparison.p_value:.3g}"
    )
    if comparison.p_value <= comparison.alpha and comparison.low > bar:
        kept = "" if better else f" by more than {comparison.margin:.1%}"
        return "pass", f"{'Better' if better else 'Not worse'} than the champion{kept}: {figures}."
    if comparison.high < bar or (better and comparison.effect <= 0):
        if better:
            return "fail", f"Not better than the champion by {bar:.1%}: {figures}."
        return "fail", f"Worse than the champion by more than {comparison.margin:.1%}: {figures}."
    more = f" About {comparison.rows_needed} rows would tell." if comparison.rows_needed else ""
    question = f"better than the champion by {bar:.1%}" if better else f"worse than the champion by {-bar:.1%}"
    return "inconclusive", f"These rows cannot tell whether it is {question}: {figures}.{more}"


def slices_verdict(slices: Sequence[SliceComparison]) -> tuple[Verdict, str]:
    """The worst of the slices that are large enough to be judged; open when none is."""
    judged = [one for one in slices if one.judged]
    small = len(slices) - len(judged)
    said = f" {small} slices are too small to be judged." if small else ""
    if not judged:
        return "inconclusive", f"No slice could be judged.{said}"
    worst: Verdict = "pass"
    for one in judged:
        worst = _worst(worst, one.verdict)
    if worst == "pass":
        return worst, f"No worse on each of {len(judged)} slices.{said}"
    told = " ".join(f"On {one.label}: {one.message}" for one in judged if one.verdict == worst)
    return worst, f"{told}{said}"


def _worst(one: Verdict, other: Verdict) -> Verdict:
    order: list[Verdict] = ["pass", "inconclusive", "fail"]
    return max(one, other, key=order.index)
