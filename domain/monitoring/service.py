"""Verbs of monitoring: set policies, take ground truth, open and close windows, move alerts."""

from collections.abc import Sequence

from sqlalchemy import select

from domain.db import AnySession, WriteSession, locked, new_id
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.monitoring.alerts import AlertKind, AlertState, Finding, findings, is_over, may_move, verdict_of
from domain.monitoring.events import (
    AlertAcknowledged,
    AlertOpened,
    AlertResolved,
    DataBroken,
    DriftDetected,
    MonitorChanged,
    QualityDropped,
    WindowClosed,
)
from domain.monitoring.jobs import ComputeWindow
from domain.monitoring.models import Alert, GroundTruth, Monitor, MonitoringWindow
from domain.monitoring.queries import (
    assigned_segments,
    get_alert,
    get_window,
    names_of,
    policies_of,
    recent_windows,
    standing_alerts,
    standing_gate_alerts,
)
from domain.monitoring.specs import (
    Distribution,
    DriftResult,
    GovernorPolicy,
    MonitorPolicy,
    PerformanceResult,
    TruthItem,
)
from domain.monitoring.windows import WindowPlan, WindowState
from domain.registry.metrics import DEFAULT_METRIC, METRICS
from domain.registry.models import RegisteredModel


class WrongAlertState(Conflict):
    code = "wrong_alert_state"


class DuplicateTruth(Invalid):
    code = "duplicate_truth"


class UnfitTruth(Invalid):
    """The model predicts numbers, and this is none."""

    code = "unfit_truth"


class UnfitMetric(Invalid):
    """The policy watches a metric that a model of this task does not have."""

    code = "unfit_metric"


def metric_of(session: AnySession, endpoint: Endpoint, policy: MonitorPolicy) -> str:
    """The metric by which a policy watches quality. Raises `UnfitMetric` for one that the model does not have."""
    task = session.get_one(RegisteredModel, endpoint.model_id).task
    if policy.metric is not None and policy.metric not in METRICS[task]:
        raise UnfitMetric(
            f"The model of {endpoint.name!r} has no metric {policy.metric!r}.",
            where="policy.metric",
            fix=f"There are {', '.join(METRICS[task])}.",
        )
    return policy.metric or DEFAULT_METRIC[task]


def set_policies(session: WriteSession, *, endpoint: str, policy: MonitorPolicy, governor: GovernorPolicy) -> Monitor:
    """Say how the endpoint is watched. Raises `UnfitMetric` for a metric that its model does not have."""
    target = get_endpoint(session, endpoint, lock=True)
    metric_of(session, target, policy)
    monitor = session.get(Monitor, target.id)
    if monitor is None:
        monitor = Monitor(endpoint_id=target.id, revision=0)
        session.add(monitor)
    monitor.revision += 1
    monitor.policy = policy.model_dump(mode="json")
    monitor.governor = governor.model_dump(mode="json")
    monitor.updated_at = session.now()
    session.flush()
    emit(session, MonitorChanged(subject=f"endpoints/{endpoint}", endpoint=endpoint))
    return monitor


def add_truth(session: WriteSession, *, endpoint: str, items: Sequence[TruthItem]) -> int:
    """Keep what turned out to be true, by prediction id; a later value replaces. Returns how many are new.

    Raises `DuplicateTruth` or `UnfitTruth`, naming the item. Whether an id was ever given out only serving knows:
    the truth may be faster than the segment that tells.
    """
    target = get_endpoint(session, endpoint)
    _refuse_unfit_truth(session.get_one(RegisteredModel, target.model_id), items)
    ids = [item.id for item in items]
    standing = {
        row.prediction_id: row
        for start in range(0, len(ids), 500)
        for row in session.scalars(
            select(GroundTruth).where(
                GroundTruth.endpoint_id == target.id, GroundTruth.prediction_id.in_(ids[start : start + 500])
            )
        )
    }
    now = session.now()
    for item in items:
        row = standing.get(item.id)
        if row is None:
            session.add(GroundTruth(endpoint_id=target.id, prediction_id=item.id, value={"value": item.value}, at=now))
        elif row.value["value"] != item.value:
            row.value, row.at = {"value": item.value}, now
    return len(ids) - len(standing)


def open_windows(session: WriteSession, *, endpoint_id: str, plans: Sequence[WindowPlan]) -> None:
    """A row and a job for each planned window; one with a segment that another tick has taken since is left alone."""
    session.get_one(Endpoint, endpoint_id, with_for_update=True)  # ticks may overlap: one after the other here
    taken = assigned_segments(session, endpoint_id, since_id=min((plan.first_id for plan in plans), default=""))
    for plan in plans:
        if taken.intersection(plan.segments):
            continue
        window = MonitoringWindow(
            id=new_id(),
            endpoint_id=endpoint_id,
            state=WindowState.OPEN,
            segments=list(plan.segments),
            first_id=plan.first_id,
            last_id=plan.last_id,
            rows=plan.rows,
            opened_at=session.now(),
        )
        session.add(window)
        session.flush()
        jobs.submit(
            session, ComputeWindow(window_id=window.id), subject=f"windows/{window.id}", key=f"window:{window.id}"
        )


def revisit_window(session: WriteSession, *, window_id: str, truth: int) -> None:
    """Compute a closed window again, now that `truth` of its rows have ground truth."""
    jobs.submit(
        session, ComputeWindow(window_id=window_id), subject=f"windows/{window_id}", key=f"window:{window_id}:{truth}"
    )


def close_window(
    session: WriteSession,
    *,
    window_id: str,
    version_id: str,
    drift: DriftResult,
    performance: PerformanceResult | None,
    distributions: Sequence[Distribution] | None = None,
) -> None:
    """Record what a window came to, tell what was found, and open or update alerts.

    A window that is computed again because its ground truth arrived later tells what is new: its quality, and
    its verdict if that is another one now. Alerts that the windows of the live version no longer bear out are over.
    """
    window = get_window(session, window_id, lock=True)
    endpoint = session.get_one(Endpoint, window.endpoint_id, with_for_update=True)
    before = window.verdict
    if window.state == WindowState.CLOSED and (window.performance is not None or performance is None):
        return
    window.version_id = version_id
    window.drift = drift.as_json()
    window.performance = performance.as_json() if performance else None
    window.distributions = [one.as_json() for one in distributions] if distributions is not None else None
    window.verdict = verdict_of(drift, performance)
    window.state = WindowState.CLOSED
    window.closed_at = session.now()
    session.flush()
    for finding in findings(drift, performance):
        if before is None or finding.kind == AlertKind.QUALITY:
            _tell(session, endpoint, window, finding, drift)
            _raise_alert(session, finding, endpoint_id=endpoint.id, window_id=window.id)
    _resolve_what_is_over(session, endpoint)
    if window.verdict != before:
        emit(
            session,
            WindowClosed(
                subject=f"endpoints/{endpoint.name}",
                endpoint=endpoint.name,
                endpoint_id=endpoint.id,
                window_id=window.id,
                verdict=window.verdict,
                rows=window.rows,
            ),
        )


def gates_leak(session: WriteSession, *, model_id: str, reason: str, next_step: str) -> None:
    """Open the alert that broken models or data get through the gates of a model, or update it."""
    _raise_alert(session, Finding(AlertKind.GATE, "error", reason, next_step), model_id=model_id)


def gates_hold(session: WriteSession, *, model_id: str) -> None:
    """Resolve that alert: nothing gets through any more."""
    for alert in standing_gate_alerts(session, model_id):
        resolve(session, alert_id=alert.id, reason="The last gate drill let nothing through.")


def acknowledge(session: WriteSession, *, alert_id: str, note: str | None = None) -> Alert:
    """Somebody looks after it; `note` says what they know so far."""
    alert = get_alert(session, alert_id, lock=True)
    _move(alert, AlertState.ACKNOWLEDGED)
    alert.acknowledged_by, alert.acknowledged_at, alert.note = session.actor.name, session.now(), note
    endpoint, model = names_of(session, alert)
    emit(
        session,
        AlertAcknowledged(
            subject=f"alerts/{alert.id}",
            alert_id=alert.id,
            endpoint=endpoint,
            model=model,
            kind=alert.kind,
            note=note,
        ),
    )
    return alert


def resolve(session: WriteSession, *, alert_id: str, reason: str) -> Alert:
    alert = get_alert(session, alert_id, lock=True)
    _move(alert, AlertState.RESOLVED)
    alert.resolved_by = session.actor.name
    alert.resolved_at = session.now()
    endpoint, model = names_of(session, alert)
    emit(
        session,
        AlertResolved(
            subject=f"alerts/{alert.id}",
            alert_id=alert.id,
            endpoint=endpoint,
            model=model,
            kind=alert.kind,
            reason=reason,
        ),
    )
    return alert


def _refuse_unfit_truth(model: RegisteredModel, items: Sequence[TruthItem]) -> None:
    seen: set[str] = set()
    for place, item in enumerate(items):
        if item.id in seen:
            what = f"The prediction id {item.id!r} occurs twice."
            raise DuplicateTruth(what, where=f"items.{place}.id", fix="Send each id once.")
        seen.add(item.id)
        if model.task == "regression" and (isinstance(item.value, bool) or not isinstance(item.value, int | float)):
            what = f"The model {model.name!r} predicts a number, and {item.value!r} is none."
            raise UnfitTruth(what, where=f"items.{place}.value", fix="Send what turned out to be true as a number.")


def _resolve_what_is_over(session: WriteSession, endpoint: Endpoint) -> None:
    """Resolve the alerts that as many of the newest windows contradict as the governor looks at."""
    _, governor = policies_of(session, endpoint.id)
    needed = governor.windows_seen
    for alert in standing_alerts(session, endpoint.id):
        newest = recent_windows(
            session,
            endpoint.id,
            limit=needed,
            version_id=endpoint.live_version_id,
            with_quality=alert.kind == AlertKind.QUALITY,
        )
        results = [
            (
                DriftResult.model_validate(one.drift),
                PerformanceResult.model_validate(one.performance) if one.performance else None,
            )
            for one in newest
        ]
        if is_over(AlertKind(alert.kind), results, needed=needed):
            resolve(session, alert_id=alert.id, reason=f"The last {needed} windows of the live version do not show it.")


def _tell(
    session: WriteSession, endpoint: Endpoint, window: MonitoringWindow, finding: Finding, drift: DriftResult
) -> None:
    subject = f"endpoints/{endpoint.name}"
    match finding.kind:
        case AlertKind.DRIFT:
            emit(
                session,
                DriftDetected(
                    subject=subject,
                    endpoint=endpoint.name,
                    window_id=window.id,
                    features=drift.drifted,
                    reason=finding.reason,
                ),
            )
        case AlertKind.QUALITY:
            emit(
                session,
                QualityDropped(subject=subject, endpoint=endpoint.name, window_id=window.id, reason=finding.reason),
            )
        case AlertKind.BROKEN_DATA:
            emit(
                session,
                DataBroken(
                    subject=subject,
                    endpoint=endpoint.name,
                    window_id=window.id,
                    columns=drift.broken,
                    reason=finding.reason,
                ),
            )


def _raise_alert(
    session: WriteSession,
    finding: Finding,
    *,
    endpoint_id: str | None = None,
    window_id: str | None = None,
    model_id: str | None = None,
) -> None:
    standing = session.scalar(
        locked(
            select(Alert).where(
                Alert.endpoint_id == endpoint_id,
                Alert.model_id == model_id,
                Alert.kind == finding.kind,
                Alert.state != AlertState.RESOLVED,
            )
        )
    )
    now = session.now()
    if standing is not None:
        standing.occurrences += 1
        standing.last_seen_at = now
        standing.reason, standing.next_step, standing.window_id = finding.reason, finding.next_step, window_id
        return
    alert = Alert(
        id=new_id(),
        endpoint_id=endpoint_id,
        model_id=model_id,
        kind=finding.kind,
        severity=finding.severity,
        state=AlertState.OPEN,
        reason=finding.reason,
        next_step=finding.next_step,
        window_id=window_id,
        opened_at=now,
        last_seen_at=now,
    )
    session.add(alert)
    session.flush()
    endpoint, model = names_of(session, alert)
    emit(
        session,
        AlertOpened(
            subject=f"alerts/{alert.id}",
            alert_id=alert.id,
            endpoint=endpoint,
            model=model,
            kind=finding.kind,
            reason=finding.reason,
        ),
    )


def _move(alert: Alert, state: AlertState) -> None:
    if not may_move(AlertState(alert.state), state):
        raise WrongAlertState(f"An alert cannot go from {alert.state} to {state}.", where="state")
    alert.state = state
