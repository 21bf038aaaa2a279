"""`millrace events`: what happened, who did it, and why; once or live."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.session import Noun, Session
from cli.tables import at, cell, sentence, table, when

verbs = Noun()

COLUMNS = {
    "#": "seq",
    "at": at("at"),
    "event": "type",
    "about": "subject",
    "by": "actor",
    "what": "payload",
}


@verbs.command("events")
def events(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now.")] = False,
    subject: Annotated[str | None, typer.Option(help="What they are about, as models/bikes.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="One kind of event, as DriftDetected.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
) -> None:
    """The audit trail: every event, the newest first."""
    if follow:
        # From the newest one there is: nothing is missed if the stream breaks before it has said anything.
        newest = session.client.items("events", limit=1)
        start = str(newest[0]["seq"]) if newest else None
        for event in session.client.follow("events", "stream", last_id=start, on_break=session.note):
            if kind in {None, event.name} and (subject is None or event.data["subject"].startswith(subject)):
                session.show_next(event.data, _draw_line)
        return
    rows = session.client.items("events", limit=limit, subject=subject, type=kind)
    session.show(rows, lambda rows: table(rows, COLUMNS))


def _draw_line(event: dict[str, Any]) -> RenderableType:
    return sentence(
        f"{when(event['at'])} {event['type']} {event['subject']} ({event['actor']}) {cell(event['payload'])}"
    )
