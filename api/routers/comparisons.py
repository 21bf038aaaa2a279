"""Comparisons: score versions on dataset versions and subsets of their rows, and look."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.comparisons import ComparisonRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.comparisons import queries, service
from domain.comparisons.models import VersionComparison
from domain.comparisons.specs import ComparisonSpec
from domain.db import AnySession
from domain.jobs.queries import get_job
from domain.registry.models import RegisteredModel
from domain.registry.queries import get_model

router = APIRouter(tags=["comparisons"], route_class=DocumentRoute)


def _read(session: AnySession, row: VersionComparison) -> ComparisonRead:
    named = {
        "model": session.get_one(RegisteredModel, row.model_id).name,
        "state": get_job(session, row.job_id).state,
    }
    plain = {name: getattr(row, name) for name in ComparisonRead.model_fields if name not in named}
    return ComparisonRead.model_validate({**plain, **named})


@router.post("/models/{name}/comparisons", status_code=202)
def create_comparison(
    name: str, body: ComparisonSpec, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Score every version on every dataset version and subset. The job's subject is the comparison."""
    _comparison, job = service.request(session, model=get_model(session, name), spec=body, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/models/{name}/comparisons")
def list_comparisons(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[ComparisonRead]:
    """Those that were asked for under this model, newest first."""
    found = queries.list_comparisons(session, get_model(session, name).id, page)
    return PageRead[ComparisonRead].of(found, lambda row: _read(session, row))


@router.get("/comparisons/{comparison_id}")
def get_comparison(comparison_id: str, session: ReadDep, _: Reader) -> ComparisonRead:
    """One comparison: a cell for each version on each subset; pairs where two versions were compared."""
    return _read(session, queries.get_comparison(session, comparison_id))
