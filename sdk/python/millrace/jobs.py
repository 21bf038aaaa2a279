"""Jobs: the durable work behind what answers 202. Wait for one, read its log, cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from millrace.errors import JobFailed
from millrace.events import follow
from millrace.html import page
from millrace.http import answer
from millrace.progress import job_bar
from millrace.rest.api.jobs import cancel_job, get_job, get_job_logs, list_jobs
from millrace.rest.models import JobDetail, JobRead
from millrace.things import Thing

if TYPE_CHECKING:
    from millrace.client import Client

ENDED = {"succeeded", "failed", "cancelled"}


class Job(Thing[JobRead | JobDetail]):
    """`data` is the job as it was last seen."""

    def __init__(self, client: Client, job_id: str, data: JobRead | None = None) -> None:
        super().__init__(client, data)
        self.id = job_id

    def __repr__(self) -> str:
        return f"<millrace.Job {self.id} {self.data.kind} {self.data.state}>"

    def _repr_html_(self) -> str:
        job = self.data
        error = job.error.to_dict() if job.error else {}
        facts = {
            "about": job.subject,
            "state": job.state,
            "progress": f"{job.progress:.0%}",
            "message": job.message,
            "error": error.get("message"),
            "fix": error.get("fix"),
            "started": job.started_at,
            "ended": job.ended_at,
        }
        return page(f"Job {job.kind} · {self.id}", facts)

    def _read(self) -> JobDetail:
        return answer(get_job.sync(self.id, client=self.client.api))

    def wait(self) -> Self:
        """Follow the job to its end, with a bar. Raises `JobFailed` unless it succeeded."""
        with job_bar(self.data.kind, shown=self.client.progress) as advance:
            for message in follow(self.client.http, f"/api/v1/jobs/{self.id}/events"):
                if message.name == "job":
                    advance(message.data["progress"], message.data["message"])
                    if message.data["state"] in ENDED:
                        break
        self.refresh()
        if self.data.state != "succeeded":
            raise failure(self.data)
        return self

    def logs(self) -> str:
        """The whole log so far."""
        lines: list[str] = []
        after = 0
        while found := answer(get_job_logs.sync(self.id, client=self.client.api, after=after)):
            lines += [one.line for one in found]
            after = found[-1].seq
        return "\n".join(lines)

    def cancel(self) -> Self:
        self.data = answer(cancel_job.sync(self.id, client=self.client.api))
        return self


def failure(job: JobRead | JobDetail) -> JobFailed:
    """What a job that did not succeed says of itself."""
    error = job.error.to_dict() if job.error else {}
    reason = error.get("message") or job.message or "no reason given"
    return JobFailed(
        f"Job {job.id} ({job.kind}) {job.state}: {reason}",
        job_id=job.id,
        state=str(job.state),
        where=error.get("where"),
        fix=error.get("fix"),
    )


def settle(client: Client, subject: str) -> None:
    """Wait until no job about the subject, or about what is below it, waits or runs. Raises `JobFailed`."""
    while True:
        found = answer(list_jobs.sync(client=client.api, subject=subject, limit=100))
        active = [job for job in found.items if job.state not in ENDED]
        if not active:
            return
        Job(client, active[-1].id, active[-1]).wait()
