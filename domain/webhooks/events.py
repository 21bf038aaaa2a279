"""What happens to webhooks. None of it is told to a webhook."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class WebhookCreated(Event):
    """Somebody is told of events from now on."""

    name: str
    host: str


@dataclass(frozen=True, kw_only=True)
class WebhookChanged(Event):
    """A webhook is told other events, elsewhere, or with another secret."""

    name: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class WebhookDeleted(Event):
    """A webhook is told nothing any more."""

    name: str


@dataclass(frozen=True, kw_only=True)
class WebhookTurnedOff(Event):
    """Too many deliveries in a row have failed; nothing is sent until somebody turns it on again."""

    name: str
    failures: int
    reason: str
