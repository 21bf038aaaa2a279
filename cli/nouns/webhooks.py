"""`millrace webhooks …`: tell another server what happens here."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.session import Noun, Session
from cli.tables import at, facts, sentence, stack, table

noun = Noun("Other servers that are told what happens.")

NameArgument = Annotated[str, typer.Argument(help="Name of the webhook.")]
DeliveryArgument = Annotated[str, typer.Argument(help="Id of the delivery, as in `webhook-id`.")]


@noun.command("create")
def create(
    session: Session,
    name: NameArgument,
    receiver: Annotated[str, typer.Argument(metavar="URL", help="Where it is told: https://HOST/PATH.")],
    types: Annotated[list[str] | None, typer.Option("--type", "-t", help="An event type; all if absent.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this path, or below it: endpoints/bikes.")] = None,
) -> None:
    """Tell a server of events from now on, and show the secret that signs them: this once."""
    body = {"name": name, "url": receiver, "types": types or [], "subject": subject}
    answer = session.client.post("webhooks", body=body)
    session.show(answer, lambda made: stack(_draw(made), facts({"secret": made["secret"]})))


@noun.command("list")
def list_webhooks(session: Session) -> None:
    """All webhooks, without their secrets."""
    columns = {
        "name": "name",
        "url": "url",
        "types": lambda row: row["types"] or ["all"],
        "subject": "subject",
        "active": "active",
        "off because": "off_because",
        "created": at("created_at"),
    }
    session.show(session.client.items("webhooks", limit=100), lambda rows: table(rows, columns))


@noun.command("on")
def turn_on(session: Session, name: NameArgument) -> None:
    """Send events again; its failures are forgotten."""
    session.show(session.client.patch("webhooks", name, body={"active": True}), _draw)


@noun.command("off")
def turn_off(session: Session, name: NameArgument) -> None:
    """Send no events until it is turned on again. What happens meanwhile is not told later."""
    session.show(session.client.patch("webhooks", name, body={"active": False}), _draw)


@noun.command("secret")
def secret(session: Session, name: NameArgument) -> None:
    """Make another secret. It signs every attempt from now on."""
    answer = session.client.post("webhooks", name, "secret")
    session.show(answer, lambda made: facts({"name": made["name"], "secret": made["secret"]}))


@noun.command("test")
def test(session: Session, name: NameArgument) -> None:
    """Send it a `WebhookTest`, whether it is on or off."""
    session.show(session.client.post("webhooks", name, "test"), _draw_delivery)


@noun.command("deliveries")
def deliveries(
    session: Session,
    name: NameArgument,
    state: Annotated[str | None, typer.Option(help="pending, delivered or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """What was sent and what the receiver answered, newest first."""
    columns = {
        "id": "id",
        "type": "type",
        "subject": "subject",
        "state": "state",
        "attempts": lambda row: len(row["attempts"]),
        "last": _last,
        "at": at("created_at"),
    }
    rows = session.client.items("webhooks", name, "deliveries", limit=limit, state=state)
    session.show(rows, lambda found: table(found, columns))


@noun.command("redeliver")
def redeliver(session: Session, delivery: DeliveryArgument) -> None:
    """Send the same again under the same id."""
    session.show(session.client.post("webhook-deliveries", delivery, "redeliver"), _draw_delivery)


@noun.command("delete")
def delete(session: Session, name: NameArgument) -> None:
    """Forget a webhook and its deliveries."""
    session.client.delete("webhooks", name)
    session.show({"deleted": name}, lambda _: sentence(f"{name} is told nothing any more."))


def _draw(webhook: dict[str, Any]) -> RenderableType:
    return facts(
        {
            "name": webhook["name"],
            "url": webhook["url"],
            "types": webhook["types"] or "all",
            "subject": webhook["subject"],
            "active": webhook["active"],
            "off because": webhook["off_because"],
        }
    )


def _draw_delivery(delivery: dict[str, Any]) -> RenderableType:
    shown = {"delivery": "id", "job": "job_id", "type": "type", "state": "state"}
    return facts({label: delivery[key] for label, key in shown.items()})


def _last(delivery: dict[str, Any]) -> str | None:
    if not delivery["attempts"]:
        return None
    attempt = delivery["attempts"][-1]
    return attempt["error"] or f"{attempt['status']} in {attempt['milliseconds']} ms"
