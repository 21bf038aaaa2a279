"""What events elsewhere mean to promotions. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.errors import Conflict
from domain.jobs import service as jobs
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.model_checks.events import ModelChecksFailed, ModelVersionChecked
from domain.promotions import service
from domain.promotions.jobs import GatherEvidence
from domain.promotions.queries import waiting_for_checks
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


def version_checked(session: WriteSession, event: ModelVersionChecked | ModelChecksFailed) -> None:
    """Promotions that waited for the checks of this version go on, whatever those came to."""
    for promotion in waiting_for_checks(session, event.version_id):
        jobs.hasten(session, promotion.job_id)
