"""Verifications: have the store read through, and see what of it is damaged."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from api.schemas.verifications import FindingRead, VerificationCreate, VerificationRead
from domain.verifications import queries, service

router = APIRouter(prefix="/verifications", tags=["verifications"], route_class=DocumentRoute)


@router.post("", status_code=202)
def create_verification(
    body: VerificationCreate, session: WriteDep, response: Response, key: IdempotencyKey, _: Writer
) -> JobRead:
    """Read and hash again what is stored. The job's subject is the verification."""
    _verification, job = service.start(session, dataset=body.dataset, number=body.number, deep=body.deep, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("")
def list_verifications(session: ReadDep, page: PageDep, _: Reader) -> PageRead[VerificationRead]:
    """Newest first."""
    return PageRead[VerificationRead].of(queries.list_verifications(session, page), VerificationRead.model_validate)


@router.get("/{verification_id}")
def get_verification(verification_id: str, session: ReadDep, _: Reader) -> VerificationRead:
    """A verification, and what it has found so far."""
    return VerificationRead.model_validate(queries.get_verification(session, verification_id))


@router.get("/{verification_id}/findings")
def list_verification_findings(
    verification_id: str, session: ReadDep, page: PageDep, _: Reader
) -> PageRead[FindingRead]:
    """What was wrong: in which pack, with which chunk or content, and which files are affected."""
    found = queries.list_findings(session, queries.get_verification(session, verification_id), page)
    return PageRead[FindingRead].of(found, FindingRead.model_validate)
