"""Webhooks and their deliveries as clients see them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name
from domain.webhooks.models import Webhook, WebhookDelivery
from domain.webhooks.specs import Attempt
from domain.webhooks.states import DeliveryState

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        pattern=r"^[^\x00]*$",
        description="http or https. Its path may be a secret: only admins see it.",
        examples=["https://chat.example.org/hooks/millrace"],
    ),
]
Types = Annotated[
    list[Annotated[str, Field(max_length=80)]],
    Field(max_length=200, description="Types of events (`GET /event-types`); none: all.", examples=[["AlertOpened"]]),
]
Subject = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=400,
        pattern=r"^[^\x00]*[^\x00/]$",
        description="A path: only events about it, or below it.",
        examples=["endpoints/bikes"],
    ),
]


class WebhookCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    url: Url
    types: Types = []
    subject: Subject = None
    active: bool = True


class WebhookUpdate(BaseModel):
    """What is left out stays as it is. Turned on again, a webhook starts without a failure."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    types: Types | None = None
    subject: Subject = Field(default=None, description="Null takes it away.")
    active: bool | None = None

    def changes(self) -> dict[str, Any]:
        """What is to be set; only the subject can be nothing."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if value is not None or name == "subject"}


class WebhookRead(BaseModel):
    """`failures` counts deliveries in a row; after five it is off, and `off_because` says why."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    url: str
    types: list[str]
    subject: str | None
    active: bool
    failures: int
    off_because: str | None
    revision: int
    created_at: datetime
    created_by: str


class WebhookCreated(WebhookRead):
    """Has the secret that signs deliveries, which is shown this once."""

    secret: str

    @classmethod
    def with_secret(cls, webhook: Webhook, secret: str) -> "WebhookCreated":
        return cls(**WebhookRead.model_validate(webhook).model_dump(), secret=secret)


class WebhookDeliveryRead(BaseModel):
    """One event for one webhook. `attempts` has what the receiver answered, the newest last; twenty are kept."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="As in the header `webhook-id`.")
    type: str
    subject: str
    state: DeliveryState
    attempts: list[Attempt]
    asked_by: str | None = Field(description="Who wanted it sent (again); null for an event.")
    job_id: str
    created_at: datetime
    ended_at: datetime | None


class WebhookDeliveryDetail(WebhookDeliveryRead):
    """Has what is sent, word for word."""

    body: str

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> "WebhookDeliveryDetail":
        return cls.model_validate(delivery)
