"""What another policy would have made of windows that were compared already. Pure.

Nothing is read again: effects, p-values, counts and null shares are kept with each window, and a policy only says what
to make of them. Where it asks for more than was kept, the window says so and is left out.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from domain.monitoring.alerts import AlertKind, WindowResult, findings, is_over, verdict_of
from domain.monitoring.governor import GovernorFacts, Ruling, may_retrain
from domain.monitoring.specs import (
    BROKEN_BY_NULLS,
    DriftResult,
    FeatureDrift,
    GovernorPolicy,
    MonitorPolicy,
    PerformanceResult,
)
from domain.monitoring.windows import WindowVerdict

Outcome = Literal["pass", "fail"]
# What is said of a feature whose divergence means nothing.
_SILENT: Final = {
    **dict.fromkeys(("psi", "js", "kl", "statistic", "threshold"), 0.0),
    **dict.fromkeys(("p_value", "q_value"), 1.0),
    "bins": None,
}


@dataclass(frozen=True)
class KeptWindow:
    """A closed window. `truths`: how many of its rows have ground truth by now, None where nobody counted."""

    id: str
    version: int
    at: datetime
    rows: int
    drift: DriftResult
    performance: PerformanceResult | None
    truths: int | None = None


@dataclass(frozen=True)
class Judged:
    """What a policy makes of a window. Without a verdict, `unknown` says what was not kept for it."""

    window: KeptWindow
    drift: DriftResult
    performance: PerformanceResult | None
    verdict: WindowVerdict | None
    unknown: str | None = None


@dataclass(frozen=True)
class PastAlert:
    """An alert that would have opened with a window, and when it would have resolved by itself."""

    kind: AlertKind
    severity: str
    reason: str
    window_id: str
    opened_at: datetime
    resolved_at: datetime | None = None
    occurrences: int = 1


@dataclass(frozen=True)
class PastRuling:
    window_id: str
    at: datetime
    ruling: Ruling


@dataclass(frozen=True)
class Replay:
    """What would have followed, oldest first."""

    alerts: list[PastAlert]
    rulings: list[PastRuling]


def judge(window: KeptWindow, policy: MonitorPolicy, *, metric: str) -> Judged:
    """A window by this policy; `metric` is the one by which it watches quality."""
    drift, lost = _drift(window.drift, policy)
    performance, missing = _performance(window, policy, metric)
    # The worst is certain whatever else is not known.
    if not drift.broken:
        lost = missing or (lost if performance is None or not performance.degraded else None)
        if lost:
            return Judged(window, drift, performance, None, lost)
    return Judged(window, drift, performance, verdict_of(drift, performance))


def replay(judged: Sequence[Judged], governor: GovernorPolicy, *, retrain_seconds: float, outcome: Outcome) -> Replay:
    """Alerts and retrains that the windows (oldest first) would have set off.

    A retrain takes `retrain_seconds`, and its gate comes to `outcome` each time. Windows of a version count together,
    and those without a verdict not at all.
    """
    seen: defaultdict[int, deque[Judged]] = defaultdict(lambda: deque(maxlen=governor.windows_seen))
    labelled: defaultdict[int, deque[Judged]] = defaultdict(lambda: deque(maxlen=governor.windows_seen))
    alerts: list[PastAlert] = []
    standing: dict[AlertKind, int] = {}
    rulings: list[PastRuling] = []
    started: list[datetime] = []
    for one in judged:
        if one.verdict is None:
            continue
        window = one.window
        seen[window.version].appendleft(one)
        if one.performance is not None:
            labelled[window.version].appendleft(one)
        for finding in findings(one.drift, one.performance):
            if finding.kind in standing:
                place = standing[finding.kind]
                alerts[place] = replace(alerts[place], occurrences=alerts[place].occurrences + 1)
            else:
                standing[finding.kind] = len(alerts)
                alerts.append(PastAlert(finding.kind, finding.severity, finding.reason, window.id, window.at))
        for kind, place in list(standing.items()):
            newest = (labelled if kind == AlertKind.QUALITY else seen)[window.version]
            if is_over(kind, [_result(each) for each in newest], needed=governor.windows_seen):
                alerts[place] = replace(alerts[place], resolved_at=window.at)
                del standing[kind]
        if one.verdict == WindowVerdict.QUIET:
            continue
        running = started and window.at < started[-1] + timedelta(seconds=retrain_seconds)
        facts = GovernorFacts(
            windows=[each.verdict for each in seen[window.version] if each.verdict is not None],
            broken_columns=one.drift.broken,
            in_flight=f"of {started[-1]:%Y-%m-%d %H:%M}" if running else None,
            started=started,
            failed_gates=len(started) if outcome == "fail" else 0,
        )
        ruling = may_retrain(facts, governor, window.at)
        rulings.append(PastRuling(window.id, window.at, ruling))
        if ruling.start:
            started.append(window.at)
    return Replay(alerts, rulings)


def psi_null(n_reference: int, n: int, bins: int, alpha: float) -> float:
    """The same as `ml.divergence.psi_null`, without SciPy: chi-square's tail has a closed form for whole degrees."""
    return (1 / n_reference + 1 / n) * _chi_square_quantile(max(1, bins - 1), alpha)


def _result(judged: Judged) -> WindowResult:
    return judged.drift, judged.performance


def _drift(found: DriftResult, policy: MonitorPolicy) -> tuple[DriftResult, str | None]:
    """As `ml.drift.drift` decides, from what it measured; and what that would have had to be known beside."""
    features = [_with_nulls(feature, policy) for feature in found.features]
    whole = [now.name for one, now in zip(found.features, features, strict=True) if one.broken and not now.broken]
    lost = f"Whether {whole[0]} drifted was not looked at, as it was full of nulls." if whole else None
    tested = [one for one in features if not one.broken and one.threshold > 0]
    q_values = dict(
        zip([one.name for one in tested], _benjamini_hochberg([one.p_value for one in tested]), strict=True)
    )
    alpha = policy.false_discovery / max(1, len(tested))
    judged = []
    for one in features:
        if one.name not in q_values:
            judged.append(one)
            continue
        q_value, threshold = q_values[one.name], policy.max_effect
        drifted = one.psi > threshold and q_value <= policy.false_discovery
        if drifted and one.bins is None:
            lost = lost or f"What chance alone shows in {one.name} was not kept."
        elif one.bins is not None:
            threshold = max(threshold, psi_null(one.n_reference, one.n, one.bins, alpha))
            drifted = drifted and one.psi > threshold
        judged.append(one.model_copy(update={"q_value": q_value, "threshold": threshold, "drifted": drifted}))
    judged.sort(key=lambda one: (not one.broken, not one.drifted, -one.psi, one.name))
    result = DriftResult(
        rows=found.rows,
        features=judged,
        drifted=[one.name for one in judged if one.drifted],
        broken=[one.name for one in judged if one.broken],
    )
    return result, lost


def _with_nulls(feature: FeatureDrift, policy: MonitorPolicy) -> FeatureDrift:
    """The feature, broken by its nulls or not any more; what is broken for another reason stays so."""
    share, before = feature.null_share, feature.null_share_reference
    if share > policy.max_null_share and share > 2 * before:
        if feature.broken:
            return feature
        reason = f"{BROKEN_BY_NULLS} {share:.1%} of the rows ({before:.1%} in the reference)"
        return feature.model_copy(update=_SILENT | {"broken": True, "drifted": False, "reason": reason})
    if feature.broken and (feature.reason or "").startswith(BROKEN_BY_NULLS):
        return feature.model_copy(update={"broken": False, "reason": None})
    return feature


def _performance(window: KeptWindow, policy: MonitorPolicy, metric: str) -> tuple[PerformanceResult | None, str | None]:
    """Quality by this policy, and what is not known of it."""
    found = window.performance
    if found is None:
        enough = window.truths is not None and window.truths >= max(1.0, policy.min_truth_share * window.rows)
        return None, f"Its {metric} was not computed, as too little of its truth was there." if enough else None
    if found.labelled < policy.min_truth_share * found.rows:
        return None, None
    if found.metric != metric:
        return None, f"Its quality was measured by {found.metric}, not by {metric}."
    degraded = found.loss is not None and found.loss > policy.max_quality_loss
    return found.model_copy(update={"degraded": degraded}), None


def _benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given (Benjamini and Hochberg 1995)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    adjusted, least = [1.0] * len(p_values), 1.0
    for rank, place in zip(range(len(p_values), 0, -1), order, strict=True):
        least = min(least, p_values[place] * len(p_values) / rank)
        adjusted[place] = least
    return adjusted


@lru_cache(10_000)
def _chi_square_quantile(degrees: int, alpha: float) -> float:
    """What a chi-square is above with the probability `alpha`, by halving."""
    low, high = 0.0, float(degrees)
    while _chi_square_tail(high, degrees) > alpha:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _chi_square_tail(middle, degrees) > alpha else (low, middle)
    return high


def _chi_square_tail(x: float, degrees: int) -> float:
    """The probability of a chi-square above `x`: a Poisson sum, with a normal tail before it for odd degrees."""
    if x <= 0:
        return 1.0
    half, odd = x / 2, degrees % 2 / 2
    terms = range(degrees // 2)
    powers = sum(math.exp((place + odd) * math.log(half) - half - math.lgamma(place + odd + 1)) for place in terms)
    return powers + (math.erfc(math.sqrt(half)) if odd else 0.0)
