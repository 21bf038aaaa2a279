"""The check suite of a dataset, the checks of its versions, and where a suite comes from."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import IdempotencyKey, IfMatch, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.routers.datasets import DatasetName, VersionNumber
from api.schemas.data_checks import CheckReportRead, CheckSuiteRead, QuarantineCreate
from api.schemas.jobs import JobRead
from domain.data_checks import queries, service
from domain.data_checks.quarantine import quarantine
from domain.data_checks.specs import CheckSuite, ExpectationSuite
from domain.data_checks.suggest import Suggestion, suggest
from domain.data_checks.translate import Translation, translate
from domain.datasets.queries import get_dataset, get_profile, get_version

router = APIRouter(prefix="/datasets", tags=["data_checks"], route_class=DocumentRoute)
suites = APIRouter(prefix="/check-suites", tags=["data_checks"], route_class=DocumentRoute)


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


@router.post("/{name}/versions/{number}/check-suite/suggest")
def suggest_check_suite(
    name: DatasetName,
    number: VersionNumber,
    session: ReadDep,
    _: Writer,
    target: Annotated[str | None, Query(max_length=500, description="The column that is to be predicted.")] = None,
) -> Suggestion:
    """A suite from the version's profile, with the reason for each check. Nothing is set: a person edits it first."""
    return suggest(get_profile(session, get_version(session, name, number)), target=target)


@suites.post("/translate")
def translate_check_suite(suite: ExpectationSuite, _: Writer) -> Translation:
    """A suite of Great Expectations 1.x as checks of our own, with what has no equivalent, why, and what to do."""
    return translate(suite)
