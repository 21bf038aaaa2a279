"""What a window means: its verdict, and the alerts it speaks for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.monitoring.specs import DriftResult, PerformanceResult
from domain.monitoring.windows import WindowVerdict

PREDICTION = "(prediction)"
"""The name under which the drift of the answers themselves is told."""


class AlertKind(StrEnum):
    DRIFT = "drift"
    QUALITY = "quality"
    BROKEN_DATA = "broken_data"
    GATE = "gate"


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


MOVES: dict[AlertState, frozenset[AlertState]] = {
    AlertState.OPEN: frozenset({AlertState.ACKNOWLEDGED, AlertState.RESOLVED}),
    AlertState.ACKNOWLEDGED: frozenset({AlertState.RESOLVED}),
    AlertState.RESOLVED: frozenset(),
}


@dataclass(frozen=True)
class Finding:
    """Something a person should know about a window."""

    kind: AlertKind
    severity: str
    reason: str
    next_step: str


WindowResult = tuple[DriftResult, PerformanceResult | None]


def may_move(old: AlertState, new: AlertState) -> bool:
    return new in MOVES[old]


def verdict_of(drift: DriftResult, performance: PerformanceResult | None) -> WindowVerdict:
    """The worst thing that can be said of a window."""
    if drift.broken:
        return WindowVerdict.BROKEN
    if performance is not None and performance.degraded:
        return WindowVerdict.DEGRADED
    return WindowVerdict.DRIFTED if drift.drifted else WindowVerdict.QUIET


def is_over(kind: AlertKind, windows: Sequence[WindowResult], *, needed: int) -> bool:
    """Whether the newest `needed` windows that can tell say the opposite of an alert of this kind.

    `windows`: newest first. A window without ground truth says nothing about quality.
    """
    told = [told for told in (_tells(kind, *window) for window in windows) if told is not None][:needed]
    return len(told) == needed and not any(told)


def _tells(kind: AlertKind, drift: DriftResult, performance: PerformanceResult | None) -> bool | None:
    match kind:
        case AlertKind.DRIFT:
            return bool(drift.drifted)
        case AlertKind.BROKEN_DATA:
            return bool(drift.broken)
        case AlertKind.QUALITY:
            return performance.degraded if performance is not None else None
        case AlertKind.GATE:
            return None


def findings(drift: DriftResult, performance: PerformanceResult | None) -> list[Finding]:
    """The alerts a window speaks for, none when it is quiet."""
    found: list[Finding] = []
    by_name = {feature.name: feature for feature in drift.features}
    if drift.broken:
        named = ", ".join(f"{name} ({by_name[name].reason})" for name in drift.broken)
        found.append(
            Finding(
                AlertKind.BROKEN_DATA,
                "error",
                f"Broken data in {named}, {drift.rows} rows.",
                "Mend the source; retraining is held back.",
            )
        )
    if drift.drifted:
        worst = [by_name[name] for name in drift.drifted[:3]]
        named = ", ".join(f"{one.name} (PSI {one.psi:.2f}, alarm from {one.threshold:.2f})" for one in worst)
        more = f" and {len(drift.drifted) - 3} more" if len(drift.drifted) > 3 else ""
        names = [name for name in drift.drifted if name != PREDICTION]
        features = len([one for one in drift.features if one.name != PREDICTION])
        answers = " and the prediction" if PREDICTION in drift.drifted else ""
        found.append(
            Finding(
                AlertKind.DRIFT,
                "warn",
                f"{len(names)} of {features} features{answers} drifted over {drift.rows} rows: {named}{more}.",
                "See whether quality holds; a retrain starts by itself if the governor allows it.",
            )
        )
    if performance is not None and performance.degraded:
        found.append(
            Finding(
                AlertKind.QUALITY,
                "error",
                f"{performance.metric} is {performance.value:.4g} on {performance.labelled} labelled rows, "
                f"{_loss(performance)}.",
                "Roll back if the last switch caused it; else retrain with what has changed in the world.",
            )
        )
    return found


def _loss(performance: PerformanceResult) -> str:
    if performance.reference is None or performance.loss is None:
        return "with nothing to compare it to"
    return f"against {performance.reference:.4g} when it was trained ({performance.loss:+.0%} loss)"
