"""What events of jobs mean to repositories. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed, JobSucceeded
from domain.repositories import service
from domain.repositories.jobs import SyncRepository


def job_succeeded(session: WriteSession, event: JobSucceeded) -> None:
    if event.kind == SyncRepository.kind():
        service.sync_ended(session, job_id=event.job_id)


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    if event.kind == SyncRepository.kind():
        service.sync_ended(session, job_id=event.job_id, failed=event.reason)
