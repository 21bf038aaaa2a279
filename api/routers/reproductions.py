"""Reproductions: train a finished run again, and see whether the same comes out."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from api.schemas.reproductions import ReproductionCreate, ReproductionRead
from domain.db import AnySession
from domain.experiments.queries import get_run
from domain.jobs.queries import get_job
from domain.reproductions import queries, service
from domain.reproductions.models import Reproduction

router = APIRouter(tags=["runs"], route_class=DocumentRoute)


def _read(session: AnySession, row: Reproduction) -> ReproductionRead:
    state = get_job(session, row.job_id).state
    plain = {name: getattr(row, name) for name in ReproductionRead.model_fields if name != "state"}
    return ReproductionRead.model_validate({**plain, "state": state})


@router.post("/runs/{run_id}/reproduce", status_code=202)
def reproduce_run(
    run_id: str, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer,
    body: ReproductionCreate | None = None,
) -> JobRead:  # fmt: skip
    """Train the run again on the same data with the same code, parameters and seed, and compare.

    The job's result names the reproduction and its verdict: `bit_identical`, `within_tolerance` or `not_reproduced`.
    """
    tolerance = (body or ReproductionCreate()).tolerance
    _reproduction, job = service.request(session, run_id=run_id, tolerance=tolerance, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/runs/{run_id}/reproductions")
def list_reproductions(run_id: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[ReproductionRead]:
    """Every attempt to reproduce the run, newest first."""
    found = queries.list_reproductions(session, get_run(session, run_id).id, page)
    return PageRead[ReproductionRead].of(found, lambda row: _read(session, row))


@router.get("/reproductions/{reproduction_id}")
def get_reproduction(reproduction_id: str, session: ReadDep, _: Reader) -> ReproductionRead:
    """One attempt, its verdict and what is behind it."""
    return _read(session, queries.get_reproduction(session, reproduction_id))
