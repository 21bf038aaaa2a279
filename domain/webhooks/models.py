"""The tables of webhooks: who is told what, and each time that somebody was told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.webhooks.states import DeliveryState


class Webhook(Base):
    """Somebody who is told. Without `types` it is every type, without `subject` every subject.

    `secret` is what deliveries are signed with: it has to be known to sign them, and is loaded for that alone.
    `failures` counts the deliveries that failed since one was taken; `off_because` says why it was turned off.
    """

    __tablename__ = "webhook"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    url: Mapped[str] = mapped_column(Text)
    types: Mapped[list[Any]]
    subject: Mapped[str | None] = mapped_column(String(400))
    active: Mapped[bool]
    secret: Mapped[str] = mapped_column(String(200), deferred=True, deferred_raiseload=True)
    failures: Mapped[int] = mapped_column(default=0)
    off_because: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class WebhookDelivery(Base):
    """One event for one webhook. `body` is what is sent, word for word, as often as it takes.

    `attempts` are `specs.Attempt`s, the newest last. `asked_by` is who wanted it told (again); None for an event.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_webhook_id", "webhook_id"),
        Index("ix_webhook_delivery_created_at", "created_at"),
    )

    id: Mapped[Id]
    webhook_id: Mapped[str] = mapped_column(String(36), ForeignKey("webhook.id", ondelete="CASCADE"))
    job_id: Mapped[str] = mapped_column(String(36), index=True)
    type: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text, deferred=True, deferred_raiseload=True)
    state: Mapped[DeliveryState] = mapped_column(String(20), default=DeliveryState.PENDING)
    attempts: Mapped[list[Any]] = mapped_column(default=list)
    asked_by: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
