"""Gate drills: send mutants through the gates of a model, now or on a schedule, and see what got through."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.gate_drills import GateDrillRead, GateDrillSchedulePut, GateDrillScheduleRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.gate_drills import queries, service
from domain.gate_drills.models import GateDrill, GateDrillSchedule
from domain.jobs.queries import get_job
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import get_model

router = APIRouter(tags=["gate drills"], route_class=DocumentRoute)


def _read(session: AnySession, row: GateDrill) -> GateDrillRead:
    named = {
        "model": session.get_one(RegisteredModel, row.model_id).name,
        "version": session.get_one(ModelVersion, row.version_id).number,
        "state": get_job(session, row.job_id).state,
    }
    plain = {name: getattr(row, name) for name in GateDrillRead.model_fields if name not in named}
    return GateDrillRead.model_validate({**plain, **named})


def _read_schedule(model: str, row: GateDrillSchedule | None) -> GateDrillScheduleRead:
    if row is None:
        return GateDrillScheduleRead(model=model, every_days=None, due_at=None)
    return GateDrillScheduleRead(model=model, every_days=row.every_days, due_at=row.due_at)


@router.post("/models/{name}/gate-drill", status_code=202)
def drill_gates(name: str, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer) -> JobRead:
    """Make mutants and send them through the checks and gates. The job's subject is the drill."""
    _drill, job = service.request(session, model=name, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/models/{name}/gate-drills")
def list_gate_drills(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[GateDrillRead]:
    """Drills of the model, newest first."""
    found = queries.list_drills(session, get_model(session, name).id, page)
    return PageRead[GateDrillRead].of(found, lambda row: _read(session, row))


@router.get("/gate-drills/{drill_id}")
def get_gate_drill(drill_id: str, session: ReadDep, _: Reader) -> GateDrillRead:
    """One drill: each mutant with what caught it."""
    return _read(session, queries.get_drill(session, drill_id))


@router.put("/models/{name}/gate-drill-schedule")
def put_gate_drill_schedule(
    name: str, body: GateDrillSchedulePut, session: WriteDep, _: Writer
) -> GateDrillScheduleRead:
    """How often the gates are drilled by themselves: the first time at once."""
    return _read_schedule(name, service.set_schedule(session, model=name, every_days=body.every_days))


@router.get("/models/{name}/gate-drill-schedule")
def get_gate_drill_schedule(name: str, session: ReadDep, _: Reader) -> GateDrillScheduleRead:
    """`every_days` is null for a model whose gates are not drilled by themselves."""
    return _read_schedule(name, session.get(GateDrillSchedule, get_model(session, name).id))
