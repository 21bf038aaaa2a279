"""Verbs of monitoring: set policies, take ground truth, open and close windows, move alerts."""

from collections.abc import Sequence

from sqlalchemy import select

from domain.db import WriteSession, new_id
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.monitoring.alerts import AlertKind, AlertState, Finding, findings, may_move, verdict_of
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
from domain.monitoring.queries import get_alert, get_window
from domain.monitoring.specs import DriftResult, GovernorPolicy, MonitorPolicy, PerformanceResult, TruthItem
from domain.monitoring.windows import WindowPlan, WindowState


class WrongAlertState(Conflict):
    code = "wrong_alert_state"


class DuplicateTruth(Invalid):
    code = "duplicate_truth"


def set_policies(session: WriteSession, *, endpoint: str, policy: MonitorPolicy, governor: GovernorPolicy) -> Monitor:
    target = get_endpoint(session, endpoint, lock=True)
    monitor = session.get(Monitor, target.id)
    if monitor is None:
        monitor = Monitor(endpoint_id=target.id)
        session.add(monitor)
    monitor.policy = policy.model_dump(mode="json")
    monitor.governor = governor.model_dump(mode="json")
    monitor.updated_at = session.now()
    session.flush()
    emit(session, MonitorChanged(subject=f"endpoints/{endpoint}", endpoint=endpoint))
    return monitor


def add_truth(session: WriteSession, *, endpoint: str, items: Sequence[TruthItem]) -> int:
    """Keep what turned out to be true, by prediction id; a later value replaces. Returns how many are new."""
    target = get_endpoint(session, endpoint)
    ids = [item.id for item in items]
    if len(set(ids)) != len(ids):
        raise DuplicateTruth("The same prediction id occurs twice.", where="items", fix="Send each id once.")
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
    """A row and a job for each planned window; one that another tick has opened already is left alone."""
    for plan in plans:
        standing = select(MonitoringWindow).where(
            MonitoringWindow.endpoint_id == endpoint_id, MonitoringWindow.first_id == plan.first_id
        )
        if session.scalar(standing) is not None:
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
    session: WriteSession, *, window_id: str, version_id: str, drift: DriftResult, performance: PerformanceResult | None
) -> None:
    """Record what a window came to, tell what was found, and open or update alerts.

    A window that is computed again because its ground truth arrived later tells what is new: its quality.
    """
    window = get_window(session, window_id, lock=True)
    endpoint = session.get_one(Endpoint, window.endpoint_id)
    again = window.state == WindowState.CLOSED
    if again and window.performance is not None:
        return
    window.version_id = version_id
    window.drift = drift.model_dump(mode="json")
    window.performance = performance.model_dump(mode="json") if performance else None
    window.verdict = verdict_of(drift, performance)
    window.state = WindowState.CLOSED
    window.closed_at = session.now()
    session.flush()
    for finding in findings(drift, performance):
        if again and finding.kind != AlertKind.QUALITY:
            continue
        _tell(session, endpoint, window, finding, drift)
        _raise_alert(session, endpoint, window, finding)
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


def acknowledge(session: WriteSession, *, alert_id: str) -> Alert:
    alert = get_alert(session, alert_id, lock=True)
    _move(alert, AlertState.ACKNOWLEDGED)
    alert.acknowledged_by = session.actor.name
    endpoint = session.get_one(Endpoint, alert.endpoint_id)
    emit(
        session,
        AlertAcknowledged(subject=f"alerts/{alert.id}", alert_id=alert.id, endpoint=endpoint.name, kind=alert.kind),
    )
    return alert


def resolve(session: WriteSession, *, alert_id: str, reason: str) -> Alert:
    alert = get_alert(session, alert_id, lock=True)
    _move(alert, AlertState.RESOLVED)
    alert.resolved_by = session.actor.name
    alert.resolved_at = session.now()
    endpoint = session.get_one(Endpoint, alert.endpoint_id)
    emit(
        session,
        AlertResolved(
            subject=f"alerts/{alert.id}", alert_id=alert.id, endpoint=endpoint.name, kind=alert.kind, reason=reason
        ),
    )
    return alert


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


def _raise_alert(session: WriteSession, endpoint: Endpoint, window: MonitoringWindow, finding: Finding) -> None:
    standing = session.scalar(
        select(Alert)
        .where(Alert.endpoint_id == endpoint.id, Alert.kind == finding.kind, Alert.state != AlertState.RESOLVED)
        .with_for_update()
    )
    now = session.now()
    if standing is not None:
        standing.occurrences += 1
        standing.last_seen_at = now
        standing.reason, standing.window_id = finding.reason, window.id
        return
    alert = Alert(
        id=new_id(),
        endpoint_id=endpoint.id,
        kind=finding.kind,
        severity=finding.severity,
        state=AlertState.OPEN,
        reason=finding.reason,
        next_step=finding.next_step,
        window_id=window.id,
        opened_at=now,
        last_seen_at=now,
    )
    session.add(alert)
    session.flush()
    emit(
        session,
        AlertOpened(
            subject=f"alerts/{alert.id}",
            alert_id=alert.id,
            endpoint=endpoint.name,
            kind=finding.kind,
            reason=finding.reason,
        ),
    )


def _move(alert: Alert, state: AlertState) -> None:
    if not may_move(AlertState(alert.state), state):
        raise WrongAlertState(f"An alert cannot go from {alert.state} to {state}.", where="state")
    alert.state = state
