"""Monitoring: policies, ground truth, alerts. Windows are in `drift`."""

from typing import Literal

from fastapi import APIRouter

from api.deps import PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.routers.drift import read_window
from api.routers.governor import read_ruling
from api.schemas.monitoring import (
    AlertAcknowledge,
    AlertDetail,
    AlertRead,
    AlertResolve,
    MonitorPut,
    MonitorRead,
    TruthAccepted,
    TruthCreate,
)
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.deployments.queries import get_endpoint
from domain.monitoring import queries, service
from domain.monitoring.alerts import AlertKind, AlertState
from domain.monitoring.models import Alert

router = APIRouter(tags=["monitoring"], route_class=DocumentRoute)


def read_alert(session: AnySession, row: Alert) -> AlertRead:
    endpoint, model = queries.names_of(session, row)
    plain = {name: getattr(row, name) for name in AlertRead.model_fields if name not in {"endpoint", "model"}}
    return AlertRead.model_validate({**plain, "endpoint": endpoint, "model": model})


@router.put("/endpoints/{name}/monitor")
def put_monitor(name: str, body: MonitorPut, session: WriteDep, _: Writer) -> MonitorRead:
    """When windows close, what counts as drift, and when a retrain may start by itself."""
    service.set_policies(session, endpoint=name, policy=body.policy, governor=body.governor)
    return MonitorRead(endpoint=name, policy=body.policy, governor=body.governor)


@router.get("/endpoints/{name}/monitor")
def get_monitor(name: str, session: ReadDep, _: Reader) -> MonitorRead:
    """What is watched at the endpoint, and when the governor may retrain."""
    policy, governor = queries.policies_of(session, get_endpoint(session, name).id)
    return MonitorRead(endpoint=name, policy=policy, governor=governor)


@router.post("/endpoints/{name}/ground-truth")
def add_ground_truth(name: str, body: TruthCreate, session: WriteDep, _: Writer) -> TruthAccepted:
    """Tell what turned out to be true. An id sent again replaces its value."""
    new = service.add_truth(session, endpoint=name, items=body.items)
    return TruthAccepted(received=len(body.items), new=new)


@router.get("/alerts")
def list_alerts(
    session: ReadDep,
    page: PageDep,
    _: Reader,
    *,
    state: AlertState | None = None,
    kind: AlertKind | None = None,
    severity: Literal["warn", "error"] | None = None,
    endpoint: str | None = None,
    model: str | None = None,
) -> PageRead[AlertRead]:
    """Alerts, newest first. `model` finds those about its gates, and about the endpoints that it answers."""
    found = queries.list_alerts(
        session, page, state=state, kind=kind, severity=severity, endpoint=endpoint, model=model
    )
    return PageRead[AlertRead].of(found, lambda row: read_alert(session, row))


@router.get("/alerts/{alert_id}")
def get_alert(alert_id: str, session: ReadDep, _: Reader) -> AlertDetail:
    """An alert with its window, and what the governor said to it."""
    row = queries.get_alert(session, alert_id)
    brief = read_alert(session, row)
    window = queries.get_window(session, row.window_id) if row.window_id else None
    rulings = []
    if brief.endpoint is not None and window is not None:
        rulings = queries.rulings_on(session, brief.endpoint, window_id=window.id, limit=20)
    return AlertDetail(
        **brief.model_dump(),
        window=read_window(session, window) if window else None,
        rulings=[read_ruling(one) for one in rulings],
    )


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge_alert(alert_id: str, session: WriteDep, _: Writer, body: AlertAcknowledge | None = None) -> AlertRead:
    """Somebody is looking at it, and may say what they know so far."""
    note = (body or AlertAcknowledge()).note or None
    return read_alert(session, service.acknowledge(session, alert_id=alert_id, note=note))


@router.post("/alerts/{alert_id}/resolve")
def resolve_alert(alert_id: str, session: WriteDep, _: Writer, body: AlertResolve | None = None) -> AlertRead:
    """It is over; the next finding of its kind opens a new alert."""
    return read_alert(session, service.resolve(session, alert_id=alert_id, reason=(body or AlertResolve()).reason))
