"""The suites of models, and the checks of their versions: run again, look."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.deps import IdempotencyKey, IfMatch, PageDep, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.routers.models import Number
from api.schemas.jobs import JobRead
from api.schemas.model_checks import ModelCheckReportRead, ModelChecksAsked, ModelSuiteRead, ModelSuiteSummary
from api.schemas.pages import PageRead
from domain.datasets.queries import resolve
from domain.datasets.specs import NAME_PATTERN
from domain.model_checks import queries, service
from domain.model_checks.specs import ModelSuite
from domain.registry.queries import get_model, get_version

router = APIRouter(prefix="/models", tags=["model_checks"], route_class=DocumentRoute)

SuiteName = Annotated[str, Path(max_length=100, pattern=NAME_PATTERN)]


async def document_of(request: Request) -> str:
    """The body as it was written. A text that is no UTF-8 has been refused before."""
    return (await request.body()).decode(errors="replace")


@router.put("/{name}/suites/{suite}")
def put_model_suite(
    *,
    name: str,
    suite: SuiteName,
    spec: ModelSuite,
    document: Annotated[str, Depends(document_of)],
    session: WriteDep,
    response: Response,
    _: Writer,
    if_match: IfMatch = None,
) -> ModelSuiteRead:
    """Make a suite (JSON, or YAML as `application/yaml`) the next version of its name; its text is kept as it is.

    The same document again is no news. Where the policy names the suite, the newest version is checked again.
    """
    model = get_model(session, name, lock=True)
    standing = queries.newest_suite(session, model.id, suite)
    check_if_match(if_match, standing.number if standing else 0, what=f"The suite {suite!r} of {name!r}")
    current = service.put_suite(session, model=model, name=suite, suite=spec, document=document)
    response.headers["ETag"] = f'"{current.number}"'
    return ModelSuiteRead.model_validate(current)


@router.get("/{name}/suites")
def list_model_suites(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[ModelSuiteSummary]:
    """The newest version of each suite, by name."""
    found = queries.list_suites(session, get_model(session, name).id, page)
    return PageRead[ModelSuiteSummary].of(found, ModelSuiteSummary.of)


@router.get("/{name}/suites/{suite}")
def get_model_suite(
    name: str,
    suite: SuiteName,
    session: ReadDep,
    response: Response,
    _: Reader,
    version: Annotated[int | None, Query(ge=1, lt=2**31, description="Absent: the newest.")] = None,
) -> ModelSuiteRead:
    """A version of a suite: the document as it was given, and what was read from it."""
    found = queries.get_suite(session, get_model(session, name).id, suite, number=version)
    response.headers["ETag"] = f'"{found.number}"'
    return ModelSuiteRead.model_validate(found)


@router.get("/{name}/versions/{number}/checks")
def get_model_checks(
    name: str,
    number: Number,
    session: ReadDep,
    _: Reader,
    suite: Annotated[str | None, Query(max_length=100, description="The report on this suite alone.")] = None,
    dataset: Annotated[
        str | None, Query(max_length=200, description="The report on the rows of `name@number`.")
    ] = None,
) -> ModelCheckReportRead:
    """The newest report on a version; 404 while its checks wait or run."""
    version = get_version(session, name, number)
    return ModelCheckReportRead.model_validate(queries.get_report(session, version.id, suite=suite, dataset=dataset))


@router.post("/{name}/versions/{number}/checks", status_code=202)
def run_model_checks(
    *,
    name: str,
    number: Number,
    session: WriteDep,
    key: IdempotencyKey,
    response: Response,
    _: Writer,
    body: ModelChecksAsked | None = None,
) -> JobRead:
    """Check a version again by the policy that counts now; or one suite alone, or on other rows, which no gate sees."""
    asked = body or ModelChecksAsked()
    job = service.start(
        session,
        version=get_version(session, name, number),
        suite=asked.suite,
        on=resolve(session, asked.dataset) if asked.dataset else None,
        fresh=asked.fresh,
        key=key,
    )
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)
