"""Reads of webhooks and their deliveries."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import undefer

from domain.db import AnySession, locked
from domain.errors import NotFound, unknown
from domain.pages import Page, PageRequest, paginate
from domain.webhooks.models import Webhook, WebhookDelivery
from domain.webhooks.states import DeliveryState


class UnknownWebhook(NotFound):
    code = "unknown_webhook"


class UnknownDelivery(NotFound):
    code = "unknown_webhook_delivery"


def get_webhook(session: AnySession, name: str, *, lock: bool = False) -> Webhook:
    """The webhook; `UnknownWebhook` with near matches otherwise."""
    query = select(Webhook).where(Webhook.name == name)
    webhook = session.scalar(locked(query) if lock else query)
    if webhook is None:
        like = unknown("webhook", name, session.scalars(select(Webhook.name)))
        raise UnknownWebhook(like.message, where=like.where, fix=like.fix)
    return webhook


def list_webhooks(session: AnySession, page: PageRequest) -> Page[Webhook]:
    """Newest first."""
    return paginate(session, select(Webhook), page, key=Webhook.id)


def active_webhooks(session: AnySession) -> list[Webhook]:
    return list(session.scalars(select(Webhook).where(Webhook.active.is_(True)).order_by(Webhook.id)))


def get_delivery(session: AnySession, delivery_id: str, *, lock: bool = False, whole: bool = False) -> WebhookDelivery:
    """The delivery, `whole` with what is sent."""
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    if whole:
        query = query.options(undefer(WebhookDelivery.body))
    delivery = session.scalar(locked(query) if lock else query)
    if delivery is None:
        fix = "Deliveries are forgotten after thirty days, and with their webhook."
        raise UnknownDelivery(f"There is no webhook delivery {delivery_id!r}.", where="delivery_id", fix=fix)
    return delivery


def list_deliveries(
    session: AnySession, webhook: Webhook, page: PageRequest, *, state: DeliveryState | None = None
) -> Page[WebhookDelivery]:
    """Newest first."""
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    return paginate(session, query, page, key=WebhookDelivery.id)


def receiver_of(session: AnySession, delivery: WebhookDelivery) -> Webhook:
    """The webhook of a delivery, with its secret."""
    query = select(Webhook).where(Webhook.id == delivery.webhook_id).options(undefer(Webhook.secret))
    return session.scalars(query).one()


def has_deliveries_before(session: AnySession, moment: datetime) -> bool:
    query = select(WebhookDelivery.id).where(WebhookDelivery.created_at < moment).limit(1)
    return session.scalar(query) is not None
