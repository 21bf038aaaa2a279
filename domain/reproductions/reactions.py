"""What the end of its job means to the run that a reproduction made. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.models import Job
from domain.reproductions.jobs import ReproduceRun
from domain.reproductions.queries import get_reproduction
from domain.training import service as training


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """Without a verdict the run has come to nothing, unless it had finished before."""
    if event.kind != ReproduceRun.kind():
        return
    job = session.get_one(Job, event.job_id)
    reproduction = get_reproduction(session, job.payload["reproduction_id"])
    if reproduction.again_id is None:
        return
    end = training.cancel_run if isinstance(event, JobCancelled) else training.fail_run
    end(session, run_id=reproduction.again_id, reason=event.reason)
