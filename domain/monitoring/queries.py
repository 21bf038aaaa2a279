"""Reads of monitoring: windows, ground truth, alerts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select

from domain.db import AnySession, locked
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.errors import NotFound
from domain.events.models import EventRow
from domain.monitoring.alerts import AlertKind, AlertState
from domain.monitoring.models import Alert, GroundTruth, Monitor, MonitoringWindow
from domain.monitoring.specs import GovernorPolicy, MonitorPolicy
from domain.monitoring.windows import WindowState
from domain.pages import Page, PageRequest, paginate
from domain.registry.models import RegisteredModel
from domain.registry.queries import get_model

TruthValue = bool | int | float | str
_IDS_AT_ONCE = 500
# Segments may arrive late and out of order by this much: windows look back so far for any that none has taken.
_LOOK_BACK_WINDOWS = 3


class UnknownAlert(NotFound):
    code = "unknown_alert"


class UnknownWindow(NotFound):
    code = "unknown_window"


def revision_of(session: AnySession, endpoint_id: str) -> int:
    """How often the policies were set; 0 while the defaults count."""
    monitor = session.get(Monitor, endpoint_id)
    return monitor.revision if monitor else 0


def policies_of(session: AnySession, endpoint_id: str) -> tuple[MonitorPolicy, GovernorPolicy]:
    """The endpoint's policies, or the defaults."""
    monitor = session.get(Monitor, endpoint_id)
    if monitor is None:
        return MonitorPolicy(), GovernorPolicy()
    return MonitorPolicy.model_validate(monitor.policy), GovernorPolicy.model_validate(monitor.governor)


def get_window(
    session: AnySession, window_id: str, *, endpoint_id: str | None = None, lock: bool = False
) -> MonitoringWindow:
    """A window, of this endpoint if one is given."""
    query = select(MonitoringWindow).where(MonitoringWindow.id == window_id)
    if endpoint_id is not None:
        query = query.where(MonitoringWindow.endpoint_id == endpoint_id)
    window = session.scalar(locked(query) if lock else query)
    if window is None:
        raise UnknownWindow(f"There is no monitoring window {window_id!r}.", where="window_id")
    return window


def list_windows(session: AnySession, page: PageRequest, *, endpoint_id: str) -> Page[MonitoringWindow]:
    return paginate(
        session,
        select(MonitoringWindow).where(MonitoringWindow.endpoint_id == endpoint_id),
        page,
        key=MonitoringWindow.id,
    )


def recent_windows(
    session: AnySession, endpoint_id: str, *, limit: int, version_id: str | None = None, with_quality: bool = False
) -> list[MonitoringWindow]:
    """Closed windows (of one version, or whose quality is known), newest first."""
    query = select(MonitoringWindow).where(
        MonitoringWindow.endpoint_id == endpoint_id, MonitoringWindow.state == WindowState.CLOSED
    )
    if version_id is not None:
        query = query.where(MonitoringWindow.version_id == version_id)
    if with_quality:
        query = query.where(MonitoringWindow.performance.is_not(None))
    return list(session.scalars(query.order_by(MonitoringWindow.last_id.desc()).limit(limit)))


def assigned_segments(session: AnySession, endpoint_id: str, *, since_id: str) -> set[str]:
    """Segments that belong to a window which ends at or after `since_id`."""
    query = select(MonitoringWindow.segments).where(
        MonitoringWindow.endpoint_id == endpoint_id, MonitoringWindow.last_id >= since_id
    )
    return {key for segments in session.scalars(query) for key in segments}


def latest_windows(session: AnySession, endpoint_id: str, *, limit: int) -> list[MonitoringWindow]:
    """The newest windows in any state, newest first."""
    query = select(MonitoringWindow).where(MonitoringWindow.endpoint_id == endpoint_id)
    return list(session.scalars(query.order_by(MonitoringWindow.last_id.desc()).limit(limit)))


def looked_back_to(session: AnySession, endpoint_id: str) -> str:
    """The id before which no new window looks for segments; the empty text while there is no window."""
    return min(
        (window.first_id for window in latest_windows(session, endpoint_id, limit=_LOOK_BACK_WINDOWS)), default=""
    )


def open_spans(session: AnySession, endpoint_id: str) -> list[tuple[str, str]]:
    """First and last id of each window that is yet to be computed."""
    query = select(MonitoringWindow.first_id, MonitoringWindow.last_id).where(
        MonitoringWindow.endpoint_id == endpoint_id, MonitoringWindow.state == WindowState.OPEN
    )
    return [(first, last) for first, last in session.execute(query)]


def windows_without_quality(session: AnySession, endpoint_id: str, *, limit: int = 50) -> list[MonitoringWindow]:
    """Closed windows whose quality is not known yet, newest first."""
    query = select(MonitoringWindow).where(
        MonitoringWindow.endpoint_id == endpoint_id,
        MonitoringWindow.state == WindowState.CLOSED,
        MonitoringWindow.performance.is_(None),
    )
    return list(session.scalars(query.order_by(MonitoringWindow.last_id.desc()).limit(limit)))


def count_truth(session: AnySession, endpoint_id: str, *, first_id: str, last_id: str) -> int:
    query = (
        select(func.count())
        .select_from(GroundTruth)
        .where(GroundTruth.endpoint_id == endpoint_id, GroundTruth.prediction_id.between(first_id, last_id))
    )
    return session.scalar(query) or 0


def truth_since(session: AnySession, endpoint_id: str, *, first_id: str) -> tuple[int, datetime | None]:
    """How many predictions from this id on have ground truth, and when the latest of it came."""
    query = select(func.count(), func.max(GroundTruth.at)).where(
        GroundTruth.endpoint_id == endpoint_id, GroundTruth.prediction_id >= first_id
    )
    count, latest = session.execute(query).one()
    return count, latest


def truth_times(session: AnySession, endpoint_id: str, *, first_id: str, last_id: str) -> dict[str, datetime]:
    """When ground truth came, by prediction id, for ids within the span."""
    query = select(GroundTruth.prediction_id, GroundTruth.at).where(
        GroundTruth.endpoint_id == endpoint_id, GroundTruth.prediction_id.between(first_id, last_id)
    )
    return dict(session.execute(query).all())


def truth_between(session: AnySession, endpoint_id: str, *, first_id: str, last_id: str) -> dict[str, TruthValue]:
    """Ground truth by prediction id, for ids within the span."""
    query = select(GroundTruth).where(
        GroundTruth.endpoint_id == endpoint_id, GroundTruth.prediction_id.between(first_id, last_id)
    )
    return {row.prediction_id: row.value["value"] for row in session.scalars(query)}


def truth_of(session: AnySession, endpoint: str, ids: Sequence[str]) -> dict[str, TruthValue]:
    """Ground truth of an endpoint, by name, for these prediction ids (those that have any)."""
    endpoint_id = session.scalar(select(Endpoint.id).where(Endpoint.name == endpoint))
    found: dict[str, TruthValue] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        query = select(GroundTruth).where(
            GroundTruth.endpoint_id == endpoint_id, GroundTruth.prediction_id.in_(ids[start : start + _IDS_AT_ONCE])
        )
        found.update({row.prediction_id: row.value["value"] for row in session.scalars(query)})
    return found


def get_alert(session: AnySession, alert_id: str, *, lock: bool = False) -> Alert:
    query = select(Alert).where(Alert.id == alert_id)
    alert = session.scalar(locked(query) if lock else query)
    if alert is None:
        raise UnknownAlert(f"There is no alert {alert_id!r}.", where="alert_id")
    return alert


def standing_alerts(session: AnySession, endpoint_id: str) -> list[Alert]:
    """Alerts of an endpoint that are not resolved: at most one of each kind."""
    query = select(Alert).where(Alert.endpoint_id == endpoint_id, Alert.state != AlertState.RESOLVED)
    return list(session.scalars(query.order_by(Alert.id)))


def standing_gate_alerts(session: AnySession, model_id: str) -> list[Alert]:
    """Alerts about a model's gates that are not resolved: at most one."""
    return list(session.scalars(select(Alert).where(Alert.model_id == model_id, Alert.state != AlertState.RESOLVED)))


def names_of(session: AnySession, alert: Alert) -> tuple[str | None, str | None]:
    """What an alert is about: the name of the endpoint, or of the model."""
    endpoint = session.get_one(Endpoint, alert.endpoint_id).name if alert.endpoint_id else None
    model = session.get_one(RegisteredModel, alert.model_id).name if alert.model_id else None
    return endpoint, model


def list_alerts(
    session: AnySession,
    page: PageRequest,
    *,
    state: AlertState | None = None,
    kind: AlertKind | None = None,
    severity: str | None = None,
    endpoint: str | None = None,
    model: str | None = None,
) -> Page[Alert]:
    """Alerts, newest first. Those of a model are about its gates, or about an endpoint that it answers."""
    query = select(Alert)
    if state is not None:
        query = query.where(Alert.state == state)
    if kind is not None:
        query = query.where(Alert.kind == kind)
    if severity is not None:
        query = query.where(Alert.severity == severity)
    if endpoint is not None:
        query = query.where(Alert.endpoint_id == get_endpoint(session, endpoint).id)
    if model is not None:
        found = get_model(session, model)
        answers = select(Endpoint.id).where(Endpoint.model_id == found.id)
        query = query.where(or_(Alert.model_id == found.id, Alert.endpoint_id.in_(answers)))
    return paginate(session, query, page, key=Alert.id)


def rulings_on(session: AnySession, endpoint: str, *, window_id: str | None = None, limit: int) -> list[EventRow]:
    """What the governor said about this endpoint, or about one window of it, newest first."""
    query = select(EventRow).where(
        EventRow.type.in_(["RetrainStarted", "RetrainRefused"]), EventRow.subject == f"endpoints/{endpoint}"
    )
    if window_id is not None:
        query = query.where(EventRow.payload["window_id"].as_string() == window_id)
    return list(session.scalars(query.order_by(EventRow.seq.desc()).limit(limit)))
