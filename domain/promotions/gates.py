"""The gate: evidence in, PASS, FAIL or INCONCLUSIVE out. Pure; the same evidence always comes to the same decision."""

from collections.abc import Sequence

from domain.model_checks.specs import ModelCheckResult, PairedComparison, Verdict
from domain.promotions.specs import ChampionGate, Decision, Evidence, GateSpec, GateVerdict, Policy


def evaluate(policy: Policy, evidence: Evidence, checks: Sequence[ModelCheckResult]) -> Decision:
    """Judge every gate of `policy`. One FAIL fails; else one INCONCLUSIVE leaves it open; no gates show nothing.

    `checks` are the results of `policy.checks()`, in that order.
    """
    if not policy.gates:
        return Decision(verdict="fail", gates=[], reason="The policy has no gates, so nothing can be shown: set one.")
    results = iter(checks)
    verdicts = [
        _judge(gate, evidence, None if isinstance(gate, ChampionGate) else next(results, None)) for gate in policy.gates
    ]
    for verdict in ("fail", "inconclusive"):
        decisive = [one.message for one in verdicts if one.verdict == verdict]
        if decisive:
            return Decision(verdict=verdict, gates=verdicts, reason=" ".join(decisive))
    return Decision(verdict="pass", gates=verdicts, reason=" ".join(one.message for one in verdicts))


def _judge(gate: GateSpec, evidence: Evidence, check: ModelCheckResult | None) -> GateVerdict:
    if isinstance(gate, ChampionGate):
        return _against_champion(gate, evidence)
    if check is None:
        return GateVerdict(
            gate=gate.gate, verdict="inconclusive", message=f"The check {gate.gate!r} has not been run on this version."
        )
    return GateVerdict(
        gate=gate.gate,
        verdict=check.verdict,
        message=check.message,
        details={"value": check.value, "threshold": check.threshold},
    )


def _against_champion(gate: ChampionGate, evidence: Evidence) -> GateVerdict:
    if evidence.champion_version is None:
        return GateVerdict(
            gate="champion", verdict="pass", message="There is no champion yet; the absolute gates alone decide."
        )
    if evidence.comparison is None:
        missing = " ".join(evidence.missing) or "No comparison with the champion was made."
        return GateVerdict(gate="champion", verdict="inconclusive", message=missing)
    verdict, message = compare_verdict(evidence.comparison)
    return GateVerdict(
        gate="champion", verdict=verdict, message=message, details=evidence.comparison.model_dump(mode="json")
    )


def compare_verdict(comparison: PairedComparison) -> tuple[Verdict, str]:
    """PASS when the lower bound of the effect is above the minimum, FAIL when the upper is below it, else open."""
    figures = (
        f"{comparison.metric} {comparison.challenger_value:.4g} against the champion's {comparison.champion_value:.4g} "
        f"on the same {comparison.rows} rows: {comparison.effect:+.1%} "
        f"[{comparison.low:+.1%}, {comparison.high:+.1%}], p = {comparison.p_value:.3g}"
    )
    if comparison.p_value <= comparison.alpha and comparison.low > comparison.min_effect:
        return "pass", f"Better than the champion: {figures}."
    if comparison.high < comparison.min_effect or comparison.effect <= 0:
        return "fail", f"Not better than the champion by {comparison.min_effect:.1%}: {figures}."
    more = f" About {comparison.rows_needed} rows would tell." if comparison.rows_needed else ""
    return (
        "inconclusive",
        (
            f"These rows cannot tell whether it is better than the champion by {comparison.min_effect:.1%}: "
            f"{figures}.{more}"
        ),
    )
