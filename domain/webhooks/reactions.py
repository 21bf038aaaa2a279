"""What events mean to webhooks: every one that a webhook wants is told. Called in `domain.reactions`."""

from sqlalchemy import select

from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed
from domain.webhooks import service
from domain.webhooks.matching import is_told, matches
from domain.webhooks.models import WebhookDelivery
from domain.webhooks.queries import active_webhooks


def tell(session: WriteSession) -> None:
    """Order a delivery of each event of the transaction for each webhook that wants it. Nothing follows from these."""
    told = [event for event in session.outbox if is_told(event)]
    for webhook in active_webhooks(session) if told else ():
        for event in told:
            if matches(event, types=webhook.types, subject=webhook.subject):
                service.tell(session, webhook=webhook, event=event)
    session.undrained.clear()


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    delivery = session.scalar(select(WebhookDelivery).where(WebhookDelivery.job_id == event.job_id))
    if delivery is not None:
        service.record_failure(session, delivery=delivery, reason=event.reason)
