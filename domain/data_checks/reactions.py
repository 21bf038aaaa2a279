"""What events elsewhere mean to data checks. Named in `domain.reactions`."""

from domain.data_checks import service
from domain.data_checks.jobs import RunDataChecks
from domain.datasets import service as datasets
from domain.datasets.events import DatasetVersionCreated
from domain.datasets.queries import get_version_by_id
from domain.datasets.states import VersionState
from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.models import Job


def version_created(session: WriteSession, event: DatasetVersionCreated) -> None:
    """No version is used before its checks have spoken."""
    service.start(session, version=get_version_by_id(session, event.version_id))


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """A version that could not be checked is not waited for: it is rejected, until a later check speaks for it."""
    if event.kind != RunDataChecks.kind():
        return
    version = get_version_by_id(session, session.get_one(Job, event.job_id).payload["version_id"])
    if version.state == VersionState.REGISTERED:
        datasets.reject_version(session, version_id=version.id, reasons=[f"It could not be checked: {event.reason}"])
