"""Verbs of jobs: submit, claim, heartbeat, finish, fail, cancel, retry, reap. Only here a job's state moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs.events import JobCancelled, JobFailed, JobQueued, JobRetried, JobStarted, JobSucceeded
from domain.jobs.models import Job, JobLog, Tick
from domain.jobs.queries import get_job
from domain.jobs.spec import JobSpec
from domain.jobs.states import ENDED, JobState, backoff_seconds, may_move
from domain.jobs.usage import Stage, with_attempt


class JobEnded(Conflict):
    code = "job_ended"


class JobNotEnded(Conflict):
    code = "job_not_ended"


class LeaseLost(Conflict):
    """The job was reaped, cancelled or claimed again; this worker's result is refused."""

    code = "lease_lost"


class Cancelled(Conflict):
    """Somebody asked for the running job to stop."""

    code = "job_cancelled"


@dataclass(frozen=True)
class Claim:
    """The right to work on a job until the lease ends; `fence` proves it."""

    job_id: str
    kind: str
    subject: str
    payload: dict[str, Any]
    attempt: int
    fence: int
    actor: str
    request_id: str | None


def submit(
    session: WriteSession, spec: JobSpec, *, subject: str, key: str | None = None, delay_seconds: float = 0.0
) -> Job:
    """Queue `spec`. With a `key`, a job that was already submitted under it is returned instead of a second one."""
    if key is not None:
        standing = session.scalar(select(Job).where(Job.key == key))
        if standing is not None:
            return standing
    now = session.now()
    job = Job(
        id=new_id(),
        kind=spec.kind(),
        subject=subject,
        payload=spec.model_dump(mode="json"),
        state=JobState.QUEUED,
        priority=spec.priority,
        key=key,
        max_attempts=spec.max_attempts,
        available_at=now + timedelta(seconds=delay_seconds),
        nudged_at=now,
        actor=session.actor.name,
        request_id=session.request_id,
        created_at=now,
    )
    session.add(job)
    session.flush()
    emit(session, JobQueued(subject=subject, job_id=job.id, kind=job.kind))
    if delay_seconds == 0.0:
        session.nudges.append(job.id)
    return job


def hasten(session: WriteSession, job_id: str) -> None:
    """Make a queued job due now. One that a worker is claiming this moment is left alone: it is due enough."""
    query = select(Job).where(Job.id == job_id, Job.state == JobState.QUEUED)
    job = session.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    if job is not None and job.available_at > session.now():
        job.available_at = job.nudged_at = session.now()
        session.nudges.append(job.id)


def claim(session: WriteSession, job_id: str, *, worker: str, lease_seconds: float) -> Claim | None:
    """Take a queued, due job; None when another worker was faster, or there is nothing to take."""
    now = session.now()
    job = session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED, Job.available_at <= now)
        .values(
            state=JobState.RUNNING,
            fence=Job.fence + 1,
            attempt=Job.attempt + 1,
            worker=worker,
            lease_until=now + timedelta(seconds=lease_seconds),
            started_at=now,
            ended_at=None,
            error=None,
            progress=0.0,
            message="",
        )
        .returning(Job),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if job is None:
        return None
    log(session, job_id, f"attempt {job.attempt} of {job.max_attempts} starts on {worker}")
    emit(session, JobStarted(subject=job.subject, job_id=job.id, kind=job.kind, attempt=job.attempt))
    return Claim(job.id, job.kind, job.subject, job.payload, job.attempt, job.fence, job.actor, job.request_id)


def hold(session: WriteSession, claim: Claim) -> Job:
    """The claimed job, locked for this transaction; LeaseLost when the claim is no longer good."""
    job = session.scalar(
        select(Job)
        .where(Job.id == claim.job_id, Job.fence == claim.fence, Job.state == JobState.RUNNING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise LeaseLost(f"Job {claim.job_id} is no longer this worker's (fence {claim.fence}).")
    return job


def heartbeat(session: WriteSession, claim: Claim, *, lease_seconds: float, progress: float, message: str) -> None:
    """Extend the lease and store the progress (0..1). Raises Cancelled when a stop was asked for."""
    job = hold(session, claim)
    job.lease_until = session.now() + timedelta(seconds=lease_seconds)
    job.progress = progress
    job.message = message[:500]
    if job.cancel_requested_at is not None:
        raise Cancelled(f"Job {claim.job_id} was asked to stop.")


def measured(session: WriteSession, claim: Claim, *, stages: Sequence[Stage]) -> None:
    """Store what the stages of this attempt have taken so far; those of earlier attempts stay."""
    job = hold(session, claim)
    recorded = [Stage.model_validate(one) for one in job.stages or []]
    job.stages = [stage.model_dump() for stage in with_attempt(recorded, stages)]


def finish(session: WriteSession, claim: Claim, *, result: dict[str, Any] | None) -> None:
    job = hold(session, claim)
    _end(session, job, JobState.SUCCEEDED)
    job.progress = 1.0
    job.result = result
    emit(session, JobSucceeded(subject=job.subject, job_id=job.id, kind=job.kind))


def fail(session: WriteSession, claim: Claim, *, error: dict[str, Any], retry: bool) -> JobState:
    """Record a failed attempt: back to the queue with backoff while attempts remain and `retry` holds, else failed."""
    job = hold(session, claim)
    return _fail(session, job, error=error, retry=retry)


def cancel(session: WriteSession, job_id: str, *, reason: str = "asked by a person") -> Job:
    """A queued job is cancelled at once; a running one is asked to stop and its worker ends the process."""
    job = get_job(session, job_id, lock=True)
    if job.state in ENDED:
        raise JobEnded(f"Job {job_id} has already {job.state}.", where="state")
    if job.state == JobState.QUEUED:
        _end(session, job, JobState.CANCELLED)
        emit(session, JobCancelled(subject=job.subject, job_id=job.id, kind=job.kind, reason=reason))
    elif job.cancel_requested_at is None:
        job.cancel_requested_at = session.now()
        log(session, job.id, f"stop asked for by {session.actor.name}")
    return job


def cancelled(session: WriteSession, claim: Claim) -> None:
    """Record that the running job has stopped because it was asked to."""
    job = hold(session, claim)
    _end(session, job, JobState.CANCELLED)
    emit(session, JobCancelled(subject=job.subject, job_id=job.id, kind=job.kind, reason="asked by a person"))


def retry(session: WriteSession, job_id: str) -> Job:
    """Queue a failed or cancelled job again, with its attempts counted from the start."""
    job = get_job(session, job_id, lock=True)
    if not may_move(job.state, JobState.QUEUED) or job.state not in ENDED:
        raise JobNotEnded(f"Job {job_id} is {job.state}; only a failed or cancelled job can be retried.", where="state")
    job.attempt = 0
    _requeue(session, job, delay_seconds=0.0)
    emit(session, JobRetried(subject=job.subject, job_id=job.id, kind=job.kind, reason="asked by a person"))
    return job


def ticked(session: WriteSession, *, process: str) -> None:
    """Keep when the tick came round: who asks whether anything happens by itself reads that."""
    row = session.get(Tick, process)
    if row is None:
        session.add(Tick(process=process, at=session.now()))
    else:
        row.at = session.now()


def reap(session: WriteSession, *, limit: int = 100) -> list[str]:
    """Take back running jobs whose lease ran out (their worker is gone or stuck). Returns their ids."""
    now = session.now()
    lost = session.scalars(
        select(Job)
        .where(Job.state == JobState.RUNNING, Job.lease_until < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for job in lost:
        if job.cancel_requested_at is not None:
            _end(session, job, JobState.CANCELLED)
            emit(
                session,
                JobCancelled(subject=job.subject, job_id=job.id, kind=job.kind, reason="stopped with its worker"),
            )
        else:
            reason = f"its worker {job.worker} was not heard of in time"
            _fail(session, job, error={"code": "lease_lost", "message": reason}, retry=True, delay_seconds=0.0)
    return [job.id for job in lost]


def due(session: WriteSession, *, quiet_seconds: float, limit: int) -> list[str]:
    """Ids of queued jobs that are due and were not nudged for `quiet_seconds`; marks them as nudged and nudges them."""
    now = session.now()
    waiting = session.scalars(
        select(Job)
        .where(
            Job.state == JobState.QUEUED,
            Job.available_at <= now,
            (Job.nudged_at.is_(None))
            | (Job.nudged_at < now - timedelta(seconds=quiet_seconds))
            | (Job.nudged_at < Job.available_at),
        )
        .order_by(Job.priority.desc(), Job.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for job in waiting:
        job.nudged_at = now
        session.nudges.append(job.id)
    return [job.id for job in waiting]


def log(session: WriteSession, job_id: str, line: str, *, level: str = "info") -> None:
    session.add(JobLog(job_id=job_id, at=session.now(), level=level, line=line))


def _fail(
    session: WriteSession, job: Job, *, error: dict[str, Any], retry: bool, delay_seconds: float | None = None
) -> JobState:
    job.error = error
    reason = str(error.get("message", "failed"))
    log(session, job.id, f"attempt {job.attempt} failed: {reason}", level="error")
    if retry and job.attempt < job.max_attempts:
        _requeue(session, job, delay_seconds=backoff_seconds(job.attempt) if delay_seconds is None else delay_seconds)
        emit(session, JobRetried(subject=job.subject, job_id=job.id, kind=job.kind, reason=reason))
    else:
        _end(session, job, JobState.FAILED)
        emit(session, JobFailed(subject=job.subject, job_id=job.id, kind=job.kind, reason=reason))
    return job.state


def _requeue(session: WriteSession, job: Job, *, delay_seconds: float) -> None:
    _move(job, JobState.QUEUED)
    job.available_at = session.now() + timedelta(seconds=delay_seconds)
    job.nudged_at = None
    job.cancel_requested_at = None
    job.lease_until = None
    job.ended_at = None
    if delay_seconds == 0.0:
        job.nudged_at = session.now()
        session.nudges.append(job.id)


def _end(session: WriteSession, job: Job, state: JobState) -> None:
    _move(job, state)
    job.ended_at = session.now()
    job.lease_until = None


def _move(job: Job, state: JobState) -> None:
    if not may_move(job.state, state):
        raise Conflict(f"Job {job.id} cannot go from {job.state} to {state}.", where="state")
    job.state = state
