"""Which events a webhook is told. Pure."""

from collections.abc import Collection

from domain.events.spec import Event
from domain.webhooks.jobs import DeliverWebhook


def is_told(event: Event) -> bool:
    """Whether an event is told at all: not what webhooks themselves do, or each telling would cause the next."""
    of_webhooks = event.subject.split("/")[0] in {"webhooks", "webhook-deliveries"}
    return not of_webhooks and getattr(event, "kind", None) != DeliverWebhook.kind()


def matches(event: Event, *, types: Collection[str], subject: str | None) -> bool:
    """Whether a webhook with this filter wants the event: a subject means itself and everything below it."""
    if types and event.type not in types:
        return False
    return subject is None or event.subject == subject or event.subject.startswith(f"{subject}/")
