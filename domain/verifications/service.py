"""Verbs of verifications: order one, record what it found."""

from collections.abc import Sequence

from domain.datasets.queries import get_dataset, get_version, refuse_deleted
from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.models import Job
from domain.verifications.events import StoreDamageFound, StoreVerified
from domain.verifications.jobs import VerifyStore
from domain.verifications.models import Finding, Verification
from domain.verifications.queries import get_verification
from domain.verifications.specs import HARMLESS, Damage
from domain.verifications.states import VerificationState, may_move

_SHOWN = 20


def start(
    session: WriteSession,
    *,
    dataset: str | None = None,
    number: int | None = None,
    deep: bool = False,
    key: str | None = None,
) -> tuple[Verification, Job]:
    """Order a reading of the whole store, of one dataset's versions, or of one version."""
    scope = dataset
    if dataset is not None:
        get_dataset(session, dataset)
        if number is not None:
            scope = f"{dataset}@{refuse_deleted(get_version(session, dataset, number)).number}"
    verification_id = new_id()
    subject = subject_of(verification_id)
    job = jobs.submit(session, VerifyStore(verification_id=verification_id), subject=subject, key=key)
    if job.payload["verification_id"] != verification_id:  # the same request was made before, under the same key
        return get_verification(session, job.payload["verification_id"]), job
    verification = Verification(
        id=verification_id,
        scope=scope,
        deep=deep,
        state=VerificationState.RUNNING,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(verification)
    session.flush()
    return verification, job


def subject_of(verification_id: str) -> str:
    return f"verifications/{verification_id}"


def begin(session: WriteSession, *, verification_id: str) -> Verification:
    """Its job starts, or is tried again; what has come to an end stays as it is."""
    verification = get_verification(session, verification_id, lock=True)
    if verification.state == VerificationState.FAILED:
        _move(verification, VerificationState.RUNNING)
    return verification


def record(
    session: WriteSession,
    *,
    verification_id: str,
    packs: int,
    chunks: int,
    bytes_read: int,
    contents: int,
    found: Sequence[Damage],
) -> Verification:
    """Keep what was read and what was wrong with it. Says so, loudly where bytes are lost."""
    verification = get_verification(session, verification_id, lock=True)
    damaged = [damage for damage in found if damage.kind not in HARMLESS]
    _move(verification, VerificationState.DAMAGED if damaged else VerificationState.CLEAN)
    verification.packs, verification.chunks, verification.bytes = packs, chunks, bytes_read
    verification.contents, verification.findings = contents, len(found)
    verification.ended_at, verification.reason = session.now(), ""
    session.add_all(Finding(id=new_id(), verification_id=verification_id, **damage.model_dump()) for damage in found)
    session.flush()
    subject = subject_of(verification_id)
    if damaged:
        affected = sorted({name for damage in damaged for name in damage.affected})
        emit(
            session,
            StoreDamageFound(
                subject=subject,
                verification_id=verification_id,
                scope=verification.scope,
                findings=len(damaged),
                affected=affected[:_SHOWN],
            ),
        )
    else:
        emit(
            session,
            StoreVerified(subject=subject, verification_id=verification_id, scope=verification.scope, bytes=bytes_read),
        )
    return verification


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """A reading that broke off says nothing about the store."""
    if event.kind != VerifyStore.kind():
        return
    job = session.get_one(Job, event.job_id)
    verification = get_verification(session, job.payload["verification_id"], lock=True)
    if verification.state == VerificationState.RUNNING:
        _move(verification, VerificationState.FAILED)
        verification.reason, verification.ended_at = event.reason, session.now()


def _move(verification: Verification, state: VerificationState) -> None:
    if not may_move(verification.state, state):
        raise Conflict(f"A verification cannot go from {verification.state} to {state}.", where="state")
    verification.state = state
