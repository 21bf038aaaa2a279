"""Jobs: look, follow live, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.deps import PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer
from api.schemas.jobs import JobDetail, JobLogRead, JobRead, UsageRead
from api.schemas.pages import PageRead
from api.sse import EventStream, Message, last_event_id, stream
from domain.jobs import queries, service
from domain.jobs.states import ENDED, JobState

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
def list_jobs(
    session: ReadDep,
    page: PageDep,
    _: Reader,
    state: JobState | None = None,
    kind: str | None = None,
    subject: str | None = None,
) -> PageRead[JobRead]:
    """Jobs, newest first; `subject` takes a path and finds everything below it."""
    found = queries.list_jobs(session, page, state=state, kind=kind, subject=subject)
    return PageRead[JobRead].of(found, JobRead.model_validate)


@router.get("/{job_id}")
def get_job(job_id: str, session: ReadDep, runtime: RuntimeDep, _: Reader) -> JobDetail:
    """The job, and what its stages took and cost."""
    job = queries.get_job(session, job_id)
    usage = UsageRead.of(job.stages, runtime.settings.prices)
    return JobDetail(**JobRead.model_validate(job).model_dump(), usage=usage)


@router.get("/{job_id}/logs")
def get_job_logs(
    job_id: str, session: ReadDep, _: Reader, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> list[JobLogRead]:
    """Up to 1,000 log lines numbered above `after`, oldest first."""
    queries.get_job(session, job_id)
    return [JobLogRead.model_validate(row) for row in queries.logs_after(session, job_id, after)]


@router.get("/{job_id}/events", response_class=EventStream)
def follow_job(job_id: str, request: Request, runtime: RuntimeDep, _: Reader) -> EventStream:
    """Log lines and progress as server-sent events until the job ends; `Last-Event-ID` resumes after a line."""
    last_seen: dict[str, object] = {}

    def poll(after: int) -> tuple[list[Message], int, bool]:
        with runtime.reading() as session:
            job = JobRead.model_validate(queries.get_job(session, job_id))
            lines = queries.logs_after(session, job_id, after)
            messages = [
                Message(row.seq, "log", JobLogRead.model_validate(row).model_dump(mode="json")) for row in lines
            ]
        seen = job.model_dump(mode="json")
        if seen != last_seen.get("job"):
            last_seen["job"] = seen
            messages.append(Message(None, "job", seen))
        return messages, lines[-1].seq if lines else after, job.state in ENDED

    with runtime.reading() as session:
        queries.get_job(session, job_id)
    return stream(request, last_event_id(request) or 0, poll)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: str, session: WriteDep, _: Writer) -> JobRead:
    """Cancel: at once when queued; a running job's process is stopped within about a second."""
    return JobRead.model_validate(service.cancel(session, job_id))


@router.post("/{job_id}/retry", status_code=202)
def retry_job(job_id: str, session: WriteDep, _: Writer) -> JobRead:
    """Queue a failed or cancelled job again."""
    return JobRead.model_validate(service.retry(session, job_id))
