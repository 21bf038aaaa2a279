"""What events elsewhere mean to deployments. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.deployments import service
from domain.deployments.jobs import RollOut
from domain.deployments.queries import get_rollout
from domain.deployments.rollout import BEFORE_TRIAL
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.promotions.events import PromotionApproved


def promotion_approved(session: WriteSession, event: PromotionApproved) -> None:
    """What has shown its worth goes live."""
    service.apply_promotion(session, promotion_id=event.promotion_id)


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """A rollout whose job came to nothing is aborted; blue never stopped answering."""
    if event.kind != RollOut.kind():
        return
    order = RollOut.model_validate(get_job(session, event.job_id).payload)
    if get_rollout(session, order.rollout_id).state in BEFORE_TRIAL:
        service.fail(session, rollout_id=order.rollout_id, reason=event.reason)
