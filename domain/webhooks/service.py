"""Verbs of webhooks: create, change, delete, tell, and record what became of it.

A delivery and the job that sends it are made in the transaction of the event, so that none is lost and none is told of
what was never committed.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from domain.db import WriteSession, new_id
from domain.errors import Conflict, Invalid, unknown
from domain.events.kinds import event_kinds
from domain.events.service import emit
from domain.events.spec import Event
from domain.jobs import service as jobs
from domain.pages import PageRequest
from domain.webhooks.addresses import checked_url
from domain.webhooks.events import WebhookChanged, WebhookCreated, WebhookDeleted, WebhookTurnedOff
from domain.webhooks.jobs import DeliverWebhook
from domain.webhooks.models import Webhook, WebhookDelivery
from domain.webhooks.queries import get_delivery, get_webhook, list_webhooks
from domain.webhooks.signing import new_secret
from domain.webhooks.specs import Attempt
from domain.webhooks.states import DeliveryState, may_move

MOST_FAILURES = 5
"""Deliveries that fail in a row until a webhook is turned off, each after all of its attempts."""
KEPT = timedelta(days=30)
_MOST_WEBHOOKS = 50
_ATTEMPTS_KEPT = 20
_TEST = "WebhookTest"


class WebhookExists(Conflict):
    code = "webhook_exists"


class TooManyWebhooks(Conflict):
    """Each of them costs something with every event."""

    code = "too_many_webhooks"


class UnknownEventType(Invalid):
    code = "unknown_event_type"


class WrongDeliveryState(Conflict):
    code = "wrong_delivery_state"


def create(
    session: WriteSession,
    *,
    name: str,
    url: str,
    types: Sequence[str] = (),
    subject: str | None = None,
    active: bool = True,
) -> tuple[Webhook, str]:
    """Tell `url` of these events from now on; and the secret that signs them, which is not to be had again."""
    known = list_webhooks(session, PageRequest(_MOST_WEBHOOKS)).items
    if any(one.name == name for one in known):
        raise WebhookExists(f"There is a webhook named {name!r}.", where="name", fix="Change that one, or delete it.")
    if len(known) >= _MOST_WEBHOOKS:
        raise TooManyWebhooks(f"There are {_MOST_WEBHOOKS} webhooks.", where="name", fix="Delete one.")
    secret = new_secret()
    webhook = Webhook(
        id=new_id(),
        name=name,
        url=url,
        types=_known_types(types),
        subject=subject,
        active=active,
        secret=secret,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    host = checked_url(url).hostname or ""
    session.add(webhook)
    session.flush()
    emit(session, WebhookCreated(subject=_subject(webhook), name=name, host=host))
    return webhook, secret


def change(session: WriteSession, *, webhook: Webhook, changes: dict[str, Any]) -> Webhook:
    """Set what is among `changes`: url, types, subject, active. Turned on again, it starts without a failure."""
    if "url" in changes:
        checked_url(changes["url"])
    if "types" in changes:
        changes = changes | {"types": _known_types(changes["types"])}
    new = {key: value for key, value in changes.items() if getattr(webhook, key) != value}
    if not new:
        return webhook
    for key, value in new.items():
        setattr(webhook, key, value)
    if new.get("active"):
        webhook.failures, webhook.off_because = 0, None
    _changed(session, webhook)
    return webhook


def renew_secret(session: WriteSession, *, name: str) -> tuple[Webhook, str]:
    """Another secret: it signs every attempt from now on, also of deliveries that are under way."""
    webhook = get_webhook(session, name, lock=True)
    webhook.secret = secret = new_secret()
    _changed(session, webhook)
    return webhook, secret


def remove(session: WriteSession, *, name: str) -> None:
    """Forget the webhook and its deliveries; what is under way ends without being sent."""
    webhook = get_webhook(session, name, lock=True)
    session.delete(webhook)
    session.flush()
    emit(session, WebhookDeleted(subject=_subject(webhook), name=name))


def tell(session: WriteSession, *, webhook: Webhook, event: Event) -> WebhookDelivery:
    """Order that the webhook is told of the event."""
    return _order(session, webhook, type_=event.type, subject=event.subject, data=event.payload(), asked_by=None)


def send_test(session: WriteSession, *, name: str) -> WebhookDelivery:
    """Tell the webhook something that did not happen, whether it is on or off."""
    webhook = get_webhook(session, name)
    by = session.actor.name
    return _order(session, webhook, type_=_TEST, subject=_subject(webhook), data={"message": "Hello."}, asked_by=by)


def redeliver(session: WriteSession, *, delivery_id: str) -> WebhookDelivery:
    """Send the same again, under the same id, whether the webhook is on or off."""
    delivery = get_delivery(session, delivery_id, lock=True)
    _move(delivery, DeliveryState.PENDING)
    delivery.ended_at = None
    delivery.asked_by = session.actor.name
    delivery.job_id = _submit(session, delivery.id)
    session.flush()
    return delivery


def record_attempt(session: WriteSession, *, delivery_id: str, attempt: Attempt) -> None:
    """Keep what an attempt came to; a success ends the delivery and the row of failures."""
    delivery = get_delivery(session, delivery_id, lock=True)
    delivery.attempts = [*delivery.attempts, attempt.as_json()][-_ATTEMPTS_KEPT:]
    if attempt.delivered and delivery.state == DeliveryState.PENDING:
        _move(delivery, DeliveryState.DELIVERED)
        delivery.ended_at = session.now()
        session.get_one(Webhook, delivery.webhook_id, with_for_update=True).failures = 0


def record_failure(session: WriteSession, *, delivery: WebhookDelivery, reason: str) -> None:
    """No attempt is left. Too many of these in a row turn the webhook off, but for those that a person asked for."""
    if delivery.state != DeliveryState.PENDING:
        return
    _move(delivery, DeliveryState.FAILED)
    delivery.ended_at = session.now()
    webhook = session.get_one(Webhook, delivery.webhook_id, with_for_update=True)
    if delivery.asked_by is not None or not webhook.active:
        return
    webhook.failures += 1
    if webhook.failures >= MOST_FAILURES:
        webhook.active = False
        webhook.off_because = f"{webhook.failures} deliveries in a row failed, the last one so: {reason}"
        webhook.revision += 1
        emit(
            session,
            WebhookTurnedOff(
                subject=_subject(webhook), name=webhook.name, failures=webhook.failures, reason=webhook.off_because
            ),
        )


def forget_before(session: WriteSession, moment: datetime) -> None:
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.created_at < moment))


def _order(
    session: WriteSession, webhook: Webhook, *, type_: str, subject: str, data: dict[str, Any], asked_by: str | None
) -> WebhookDelivery:
    now = session.now()
    told = {
        "type": type_,
        "timestamp": now.isoformat(),
        "data": {"subject": subject, "actor": session.actor.name, "payload": data},
    }
    delivery = WebhookDelivery(
        id=new_id(),
        webhook_id=webhook.id,
        job_id="",
        type=type_,
        subject=subject,
        body=json.dumps(told, ensure_ascii=False),
        state=DeliveryState.PENDING,
        attempts=[],
        asked_by=asked_by,
        created_at=now,
    )
    delivery.job_id = _submit(session, delivery.id)
    session.add(delivery)
    session.flush()
    return delivery


def _submit(session: WriteSession, delivery_id: str) -> str:
    order = DeliverWebhook(delivery_id=delivery_id)
    return jobs.submit(session, order, subject=f"webhook-deliveries/{delivery_id}").id


def _known_types(types: Sequence[str]) -> list[str]:
    known = {kind.type for kind in event_kinds()}
    for one in types:
        if one not in known:
            like = unknown("event type", one, known)
            raise UnknownEventType(like.message, where="types", fix=like.fix or "See GET /event-types.")
    return sorted(set(types))


def _changed(session: WriteSession, webhook: Webhook) -> None:
    webhook.revision += 1
    session.flush()
    emit(session, WebhookChanged(subject=_subject(webhook), name=webhook.name, revision=webhook.revision))


def _subject(webhook: Webhook) -> str:
    return f"webhooks/{webhook.name}"


def _move(delivery: WebhookDelivery, state: DeliveryState) -> None:
    if not may_move(DeliveryState(delivery.state), state):
        raise WrongDeliveryState(
            f"Delivery {delivery.id} is {delivery.state}.", where="state", fix="Wait until its attempts have ended."
        )
    delivery.state = state
