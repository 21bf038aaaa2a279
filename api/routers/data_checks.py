"""The check suite of a dataset, and the checks of its versions."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, IfMatch, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.routers.datasets import DatasetName, VersionNumber
from api.schemas.data_checks import CheckReportRead, CheckSuiteRead, QuarantineCreate
from api.schemas.jobs import JobRead
from domain.data_checks import queries, service
from domain.data_checks.quarantine import quarantine
from domain.data_checks.specs import CheckSuite
from domain.datasets.queries import get_dataset, get_version

router = APIRouter(prefix="/datasets", tags=["data_checks"], route_class=DocumentRoute)


@router.put("/{name}/check-suite")
def put_check_suite(
    name: DatasetName, suite: CheckSuite, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> CheckSuiteRead:
    """Set the suite (JSON, or YAML as `application/yaml`). It counts for the checks that run from now on."""
    dataset = get_dataset(session, name, lock=True)
    check_if_match(if_match, queries.suite_of(session, dataset).number, what=f"The check suite of {name!r}")
    current = service.set_suite(session, dataset=dataset, suite=suite)
    response.headers["ETag"] = f'"{current.number}"'
    return CheckSuiteRead.of(current)


@router.get("/{name}/check-suite")
def get_check_suite(name: DatasetName, session: ReadDep, response: Response, _: Reader) -> CheckSuiteRead:
    """The suite that counts now; empty when none was set."""
    current = queries.suite_of(session, get_dataset(session, name))
    response.headers["ETag"] = f'"{current.number}"'
    return CheckSuiteRead.of(current)


@router.get("/{name}/versions/{number}/checks")
def get_check_report(name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader) -> CheckReportRead:
    """The newest report on a version; 404 while its checks wait or run."""
    return CheckReportRead.model_validate(queries.latest_report(session, get_version(session, name, number)))


@router.post("/{name}/versions/{number}/checks", status_code=202)
def run_data_checks(
    name: DatasetName, number: VersionNumber, session: WriteDep, response: Response, _: Writer, key: IdempotencyKey
) -> JobRead:
    """Check a version again, with the suite that counts now."""
    job = service.start(session, version=get_version(session, name, number), force=True, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.post("/{name}/versions/{number}/quarantine", status_code=202)
def quarantine_rows(
    *,
    name: DatasetName,
    number: VersionNumber,
    session: WriteDep,
    response: Response,
    _: Writer,
    key: IdempotencyKey,
    body: QuarantineCreate | None = None,
) -> JobRead:
    """Split a version by its report: the rows its checks pass, and those they do not, each a version of its own."""
    body = body or QuarantineCreate()
    job = quarantine(
        session,
        version=get_version(session, name, number),
        clean=body.clean,
        failing=body.failing,
        warnings=body.warnings,
        column=body.column,
        message=body.message,
        key=key,
    )
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)
