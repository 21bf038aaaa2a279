"""`millrace status`: is the server well, and what is it doing?"""

from typing import Any

from rich.console import RenderableType

from cli.nouns.deployments import COLUMNS as ENDPOINTS
from cli.nouns.jobs import COLUMNS as JOBS
from cli.nouns.monitoring import COLUMNS as ALERTS
from cli.session import Noun, Session
from cli.tables import facts, stack, table

verbs = Noun()


@verbs.command("status")
def status(session: Session) -> None:
    """The server's parts, the endpoints, running jobs and open alerts."""
    client = session.client
    answer = {
        "server": client.url,
        **client.get("/readyz"),
        "endpoints": client.items("endpoints", limit=100),
        "jobs": [*client.items("jobs", limit=20, state="running"), *client.items("jobs", limit=20, state="queued")],
        "alerts": client.items("alerts", limit=100, state="open"),
    }
    session.show(answer, _draw)


def _draw(answer: dict[str, Any]) -> RenderableType:
    parts = {name: value for name, value in answer.items() if isinstance(value, str)}
    return stack(
        facts(parts),
        table(answer["endpoints"], ENDPOINTS, empty="No endpoints yet."),
        table(answer["jobs"], JOBS, empty="No jobs wait or run."),
        table(answer["alerts"], ALERTS, empty="No open alerts."),
    )
