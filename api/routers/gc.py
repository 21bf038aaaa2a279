"""Deleting: pins, versions, and the plans by which what nothing needs any more leaves the store."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.deps import Admin, IdempotencyKey, PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer
from api.routers.datasets import DatasetName
from api.schemas.datasets import PinCreate, PinRead, VersionRead
from api.schemas.gc import NeedRead, NeedsRead, PlanContentRead, PlanPackRead, PlanRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.datasets.pins import pin_version, unpin_version
from domain.datasets.queries import get_version, get_version_by_id
from domain.gc import deletion, queries, service
from domain.gc.uses import needs_of

router = APIRouter(prefix="/gc/plans", tags=["gc"])
versions = APIRouter(prefix="/datasets/{name}/versions/{number}", tags=["datasets"])

Number = Annotated[int, Path(ge=1, lt=10**9)]


@versions.delete("")
def delete_dataset_version(
    name: DatasetName,
    number: Number,
    session: WriteDep,
    _: Writer,
    reason: Annotated[str, Query(max_length=1_000, pattern=r"^[^\x00]*$")] = "",
) -> VersionRead:
    """Delete a version that nothing needs. Its number stays taken; its bytes go with the next collection."""
    return VersionRead.of(deletion.delete_version(session, name=name, number=number, reason=reason))


@versions.get("/needs")
def get_dataset_version_needs(name: DatasetName, number: Number, session: ReadDep, _: Reader) -> NeedsRead:
    """What needs the version: as long as anything does, it cannot be deleted."""
    needs = needs_of(session, get_version(session, name, number))
    return NeedsRead(items=[NeedRead.model_validate(need) for need in needs])


@versions.put("/pin")
def pin_dataset_version(name: DatasetName, number: Number, body: PinCreate, session: WriteDep, _: Writer) -> PinRead:
    """Keep the version, whatever else needs it or not."""
    version = get_version_by_id(session, get_version(session, name, number).id, lock=True)
    return PinRead.model_validate(pin_version(session, version=version, reason=body.reason))


@versions.delete("/pin", status_code=204)
def unpin_dataset_version(name: DatasetName, number: Number, session: WriteDep, _: Writer) -> None:
    """Let the version be deleted again, if nothing else needs it."""
    version = get_version_by_id(session, get_version(session, name, number).id, lock=True)
    unpin_version(session, version=version)


@router.post("", status_code=202)
def create_gc_plan(
    session: WriteDep, runtime: RuntimeDep, response: Response, key: IdempotencyKey, _: Writer
) -> JobRead:
    """List what nothing needs. The job's subject is the plan; it can be executed when its grace period is over."""
    grace = timedelta(hours=runtime.settings.gc_grace_hours)
    _plan, job = service.request_plan(session, grace=grace, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("")
def list_gc_plans(session: ReadDep, page: PageDep, _: Reader) -> PageRead[PlanRead]:
    """Newest first."""
    return PageRead[PlanRead].of(queries.list_plans(session, page), PlanRead.of)


@router.get("/{plan_id}")
def get_gc_plan(plan_id: str, session: ReadDep, _: Reader) -> PlanRead:
    """One plan: what would go, what keeps the rest, and the receipt once it is done."""
    return PlanRead.of(queries.get_plan(session, plan_id))


@router.get("/{plan_id}/contents")
def list_gc_plan_contents(
    plan_id: str,
    session: ReadDep,
    page: PageDep,
    _: Reader,
    outcome: Annotated[str | None, Query(pattern=r"^(planned|deleted|skipped)$")] = None,
) -> PageRead[PlanContentRead]:
    """The contents that would go, or went: where they came from, and when they were last needed."""
    found = queries.list_contents(session, queries.get_plan(session, plan_id), page, outcome=outcome)
    return PageRead[PlanContentRead].of(found, PlanContentRead.model_validate)


@router.get("/{plan_id}/packs")
def list_gc_plan_packs(plan_id: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[PlanPackRead]:
    """The packs that hold chunks that would go."""
    found = queries.list_packs(session, queries.get_plan(session, plan_id), page)
    return PageRead[PlanPackRead].of(found, PlanPackRead.model_validate)


@router.post("/{plan_id}/execute", status_code=202)
def execute_gc_plan(plan_id: str, session: WriteDep, response: Response, _: Admin) -> JobRead:
    """Delete what the plan lists and still nothing needs. Refused before the grace period is over."""
    job = service.execute(session, plan_id=plan_id)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.post("/{plan_id}/cancel")
def cancel_gc_plan(plan_id: str, session: WriteDep, _: Writer) -> PlanRead:
    """Give up a plan that is not being executed."""
    return PlanRead.of(service.cancel(session, plan_id=plan_id))
