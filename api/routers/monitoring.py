"""Monitoring: policies, ground truth, drift and performance by window, alerts."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.monitoring import (
    AlertRead,
    AlertResolve,
    MonitorPut,
    MonitorRead,
    TruthAccepted,
    TruthCreate,
    WindowRead,
)
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.deployments.queries import get_endpoint
from domain.monitoring import queries, service
from domain.monitoring.alerts import AlertState
from domain.monitoring.models import Alert, MonitoringWindow
from domain.registry.models import ModelVersion

router = APIRouter(tags=["monitoring"], route_class=DocumentRoute)


def _read_window(session: AnySession, row: MonitoringWindow) -> WindowRead:
    version = session.get(ModelVersion, row.version_id) if row.version_id else None
    plain = {name: getattr(row, name) for name in WindowRead.model_fields if name != "version"}
    return WindowRead.model_validate({**plain, "version": version.number if version else None})


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
    policy, governor = queries.policies_of(session, get_endpoint(session, name).id)
    return MonitorRead(endpoint=name, policy=policy, governor=governor)


@router.post("/endpoints/{name}/ground-truth")
def add_ground_truth(name: str, body: TruthCreate, session: WriteDep, _: Writer) -> TruthAccepted:
    """Tell what turned out to be true. An id sent again replaces its value."""
    new = service.add_truth(session, endpoint=name, items=body.items)
    return TruthAccepted(received=len(body.items), new=new)


@router.get("/endpoints/{name}/drift")
def list_drift(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[WindowRead]:
    """Windows of traffic against the training reference, newest first."""
    endpoint = get_endpoint(session, name)
    return PageRead[WindowRead].of(
        queries.list_windows(session, page, endpoint_id=endpoint.id), lambda row: _read_window(session, row)
    )


@router.get("/endpoints/{name}/performance")
def list_performance(
    name: str, session: ReadDep, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[WindowRead]:
    """Closed windows whose quality is known, newest first."""
    rows = queries.recent_windows(session, get_endpoint(session, name).id, limit=limit, with_quality=True)
    return [_read_window(session, row) for row in rows]


@router.get("/alerts")
def list_alerts(session: ReadDep, page: PageDep, _: Reader, state: AlertState | None = None) -> PageRead[AlertRead]:
    """Alerts, newest first."""
    return PageRead[AlertRead].of(queries.list_alerts(session, page, state=state), lambda row: read_alert(session, row))


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge_alert(alert_id: str, session: WriteDep, _: Writer) -> AlertRead:
    """Somebody is looking at it."""
    return read_alert(session, service.acknowledge(session, alert_id=alert_id))


@router.post("/alerts/{alert_id}/resolve")
def resolve_alert(alert_id: str, session: WriteDep, _: Writer, body: AlertResolve | None = None) -> AlertRead:
    """It is over; the next finding of its kind opens a new alert."""
    return read_alert(session, service.resolve(session, alert_id=alert_id, reason=(body or AlertResolve()).reason))
