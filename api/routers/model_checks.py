"""The checks of model versions: run again, look."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, ReadDep, Reader, WriteDep, Writer
from api.routers.models import Number
from api.schemas.jobs import JobRead
from api.schemas.model_checks import ModelCheckReportRead
from domain.model_checks import queries, service
from domain.registry.queries import get_version

router = APIRouter(prefix="/models", tags=["model_checks"])


@router.get("/{name}/versions/{number}/checks")
def get_model_checks(name: str, number: Number, session: ReadDep, _: Reader) -> ModelCheckReportRead:
    """The newest report on a version; 404 while its checks wait or run."""
    return ModelCheckReportRead.model_validate(queries.get_report(session, get_version(session, name, number).id))


@router.post("/{name}/versions/{number}/checks", status_code=202)
def run_model_checks(
    name: str, number: Number, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Check a version again, by the policy that counts now."""
    job = service.start(session, version=get_version(session, name, number), key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)
