"""Reads of jobs: one, pages, logs, and the counts that metrics show."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from domain.db import AnySession
from domain.errors import NotFound
from domain.jobs.models import Job, JobLog, Tick
from domain.jobs.states import JobState
from domain.pages import Page, PageRequest, paginate


class UnknownJob(NotFound):
    code = "unknown_job"


@dataclass(frozen=True)
class QueueFacts:
    """Jobs by state, and when the oldest due one became due."""

    counts: dict[str, int]
    oldest_due_at: datetime | None


def get_job(session: AnySession, job_id: str, *, lock: bool = False) -> Job:
    query = select(Job).where(Job.id == job_id)
    job = session.scalar(query.with_for_update() if lock else query)
    if job is None:
        raise UnknownJob(f"There is no job {job_id!r}.", where="job_id")
    return job


def find_by_key(session: AnySession, key: str | None) -> Job | None:
    """The job that was submitted under this key, if one was."""
    return session.scalar(select(Job).where(Job.key == key)) if key is not None else None


def list_jobs(
    session: AnySession,
    page: PageRequest,
    *,
    state: JobState | None = None,
    kind: str | None = None,
    subject: str | None = None,
) -> Page[Job]:
    """Newest first; `subject` matches the path itself and everything below it."""
    query = select(Job)
    if state is not None:
        query = query.where(Job.state == state)
    if kind is not None:
        query = query.where(Job.kind == kind)
    if subject is not None:
        query = query.where((Job.subject == subject) | Job.subject.startswith(f"{subject}/", autoescape=True))
    return paginate(session, query, page, key=Job.id)


def active_jobs(session: AnySession, *, limit: int = 50) -> list[Job]:
    query = select(Job).where(Job.state.in_([JobState.QUEUED, JobState.RUNNING])).order_by(Job.id.desc()).limit(limit)
    return list(session.scalars(query))


def logs_after(session: AnySession, job_id: str, seq: int = 0, *, limit: int = 1000) -> list[JobLog]:
    query = select(JobLog).where(JobLog.job_id == job_id, JobLog.seq > seq).order_by(JobLog.seq).limit(limit)
    return list(session.scalars(query))


def queue_facts(session: AnySession, *, now: datetime) -> QueueFacts:
    counts = {
        str(state): count for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state))
    }
    oldest = session.scalar(
        select(func.min(Job.available_at)).where(Job.state == JobState.QUEUED, Job.available_at <= now)
    )
    return QueueFacts(counts, oldest)


def latest_succeeded(session: AnySession, *, kind: str, subject: str) -> Job | None:
    """The newest job of this kind about this subject that came to a result."""
    query = select(Job).where(Job.kind == kind, Job.subject == subject, Job.state == JobState.SUCCEEDED)
    return session.scalar(query.order_by(Job.id.desc()).limit(1))


def newest(session: AnySession, *, kind: str, subject: str) -> Job | None:
    """The last job of this kind about this subject, whatever became of it."""
    query = select(Job).where(Job.kind == kind, Job.subject == subject)
    return session.scalar(query.order_by(Job.id.desc()).limit(1))


def last_tick(session: AnySession) -> datetime | None:
    """When time last made something due; None where it never did."""
    return session.scalar(select(func.max(Tick.at)))
