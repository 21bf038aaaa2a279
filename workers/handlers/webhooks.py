"""Jobs of webhooks: send a delivery; and a chore that forgets old ones."""

from adapters.webhooks import send
from domain.errors import Conflict, Unavailable
from domain.webhooks import queries, service
from domain.webhooks.jobs import DeliverWebhook
from domain.webhooks.signing import headers_of
from workers.run import RunningJob
from workers.toolbox import Toolbox


class WebhookIsOff(Conflict):
    code = "webhook_is_off"


class NotTaken(Unavailable):
    """The receiver did not answer 2xx: tried again while attempts are left."""

    code = "webhook_not_taken"


def deliver_webhook(job: RunningJob[DeliverWebhook], tools: Toolbox) -> dict[str, object]:
    """Sign with the secret as it is now, send, and keep what came of it."""
    runtime = tools.runtime
    with runtime.reading() as session:
        delivery = queries.get_delivery(session, job.spec.delivery_id, whole=True)
        webhook = queries.receiver_of(session, delivery)
    if not webhook.active and delivery.asked_by is None:
        raise WebhookIsOff("The webhook is off.", where=f"webhooks/{webhook.name}")
    at = int(runtime.clock().timestamp())
    headers = headers_of(delivery.id, delivery.body, secret=webhook.secret, at=at)
    attempt = send(webhook.url, headers, delivery.body, private=runtime.settings.webhooks_private)
    with job.transaction() as session:
        service.record_attempt(session, delivery_id=delivery.id, attempt=attempt)
    if not attempt.delivered:
        raise NotTaken(attempt.reason, where=f"webhook-deliveries/{delivery.id}")
    return {"status": attempt.status, "milliseconds": attempt.milliseconds}


def forget_old_deliveries(tools: Toolbox) -> None:
    """A chore."""
    before = tools.runtime.clock() - service.KEPT
    with tools.runtime.reading() as session:
        due = queries.has_deliveries_before(session, before)
    if due:
        with tools.runtime.transaction() as session:
            service.forget_before(session, before)
