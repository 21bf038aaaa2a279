"""`millrace drift` and `millrace alerts …`: is the model still good, and what is wrong."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.completion import ENDPOINTS, names
from cli.session import Noun, Session
from cli.tables import at, facts, number, share, stack, table

noun = Noun("Alerts.")
verbs = Noun()

IdArgument = Annotated[str, typer.Argument(help="Id of the alert.", autocompletion=names("alerts", key="id"))]
COLUMNS = {
    "id": "id",
    "about": lambda row: row["endpoint"] or row["model"],
    "kind": "kind",
    "state": "state",
    "severity": "severity",
    "why": "reason",
    "times": "occurrences",
    "opened": at("opened_at"),
    "next": "next_step",
}


def _quality(window: dict[str, Any]) -> str | None:
    found = window["performance"]
    return f"{found['metric']} {number(found['value'])} (was {number(found['reference'])})" if found else None


WINDOWS = {
    "opened": at("opened_at"),
    "closed": at("closed_at"),
    "version": "version",
    "rows": "rows",
    "verdict": "verdict",
    "drifted": lambda row: row["drift"]["drifted"] if row["drift"] else None,
    "quality": _quality,
}
FEATURES = {
    "feature": "name",
    "psi": "psi",
    "threshold": "threshold",
    "js": "js",
    "q": "q_value",
    "n": "n",
    "nulls": lambda row: share(row["null_share"]),
    "drifted": "drifted",
    "broken": "broken",
}


@verbs.command("drift")
def drift(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)],
    limit: Annotated[int, typer.Option(min=1, help="So many windows.")] = 10,
) -> None:
    """How far the newest windows of an endpoint's traffic are from what its model was trained on."""
    session.show(session.client.items("endpoints", endpoint, "drift", limit=limit), _draw_drift)


@noun.command("list")
def list_alerts(
    session: Session,
    state: Annotated[str | None, typer.Option(help="open, acknowledged or resolved.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Alerts, the newest first."""
    session.show(session.client.items("alerts", limit=limit, state=state), lambda rows: table(rows, COLUMNS))


@noun.command("ack")
def acknowledge(session: Session, alert_id: IdArgument) -> None:
    """Say that somebody looks after it."""
    session.show(session.client.post("alerts", alert_id, "acknowledge"), facts)


@noun.command("resolve")
def resolve(session: Session, alert_id: IdArgument) -> None:
    """Say that it is over."""
    session.show(session.client.post("alerts", alert_id, "resolve"), facts)


def _draw_drift(windows: list[dict[str, Any]]) -> RenderableType:
    """The windows, and the features of the newest one whose drift is known."""
    known = [window["drift"]["features"] for window in windows if window["drift"]]
    return stack(table(windows, WINDOWS, empty="No window yet."), table(known[0], FEATURES) if known else None)
