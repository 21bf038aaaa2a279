"""What events elsewhere mean to promotions. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.jobs import service as jobs
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.model_checks.events import ModelChecksFailed, ModelVersionChecked
from domain.promotions import service
from domain.promotions.jobs import GatherEvidence
from domain.promotions.queries import waiting_for_checks


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """Evidence that cannot be gathered leaves the question open."""
    if event.kind == GatherEvidence.kind():
        order = GatherEvidence.model_validate(get_job(session, event.job_id).payload)
        service.give_up(session, promotion_id=order.promotion_id, reason=event.reason)


def version_checked(session: WriteSession, event: ModelVersionChecked | ModelChecksFailed) -> None:
    """Promotions that waited for the checks of this version go on, whatever those came to."""
    for promotion in waiting_for_checks(session, event.version_id):
        jobs.hasten(session, promotion.job_id)
