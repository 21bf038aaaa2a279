"""What events elsewhere mean to promotions. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.errors import Conflict
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.promotions import service
from domain.promotions.jobs import GatherEvidence
from domain.registry import mirror
from domain.registry.events import AliasChangedOutside


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """Evidence that cannot be gathered leaves the question open."""
    if event.kind == GatherEvidence.kind():
        order = GatherEvidence.model_validate(get_job(session, event.job_id).payload)
        service.give_up(session, promotion_id=order.promotion_id, reason=event.reason)


def alias_changed_outside(session: WriteSession, event: AliasChangedOutside) -> None:
    """Who moved `champion` in MLflow asked for a promotion, if the model's policy says so: the gates still decide."""
    if event.policy != "adopt" or event.alias != "champion":
        return
    if event.number is None:
        mirror.note(session, change_id=event.change_id, note="Not adopted: we do not know that version.")
        return
    try:
        promotion, _ = service.request(session, model=event.model, number=event.number)
    except Conflict as error:
        mirror.note(session, change_id=event.change_id, note=f"Not adopted: {error.message}")
    else:
        mirror.note(session, change_id=event.change_id, note=f"Adopted as a request: promotions/{promotion.id}.")
