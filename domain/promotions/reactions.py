"""What events elsewhere mean to promotions. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.promotions import service
from domain.promotions.jobs import GatherEvidence


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """Evidence that cannot be gathered leaves the question open."""
    if event.kind == GatherEvidence.kind():
        order = GatherEvidence.model_validate(get_job(session, event.job_id).payload)
        service.give_up(session, promotion_id=order.promotion_id, reason=event.reason)
