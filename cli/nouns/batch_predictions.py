"""`millrace predict-batch` and `millrace batches …`: score a whole dataset version into a new one."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table

noun = Noun("Batch predictions: whole dataset versions scored.")
verbs = Noun()

COLUMNS = {
    "id": "id",
    "input": "input",
    "model": "model",
    "state": "state",
    "rows": "rows_scored",
    "output": "output",
    "created": at("created_at"),
}


@verbs.command("predict-batch")
def predict_batch(
    session: Session,
    *,
    dataset: Annotated[str, typer.Argument(help="What to score: NAME@n, or NAME for its newest validated version.")],
    into: Annotated[str, typer.Argument(help="Dataset that the answers become the next version of; made if absent.")],
    model: Annotated[str | None, typer.Option(help="NAME@n or NAME@alias; NAME is its champion.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Instead of a model: what the endpoint's live version is.")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A column to keep beside the answers; all if absent.")] = None,
    engine: Annotated[str, typer.Option(help="auto, local or spark.")] = "auto",
    on_bad_row: Annotated[str, typer.Option(help="fail, or null: go on without an answer.")] = "fail",
    wait: WaitOption = False,
) -> None:
    """Score every row of a dataset version into a new version of another dataset."""
    session.ensure("datasets", into)
    body = {
        "dataset": dataset,
        "model": model,
        "endpoint": endpoint,
        "into": into,
        "keep": keep or None,
        "engine": engine,
        "on_bad_row": on_bad_row,
    }
    job = session.client.post("batch-predictions", body=body)
    follow(session, job, wait=wait, view=draw_batch)


@noun.command("list")
def list_batches(session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50) -> None:
    """Batch predictions, the newest first."""
    session.show(session.client.items("batch-predictions", limit=limit), lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, batch_id: Annotated[str, typer.Argument(help="Id of the batch prediction.")]) -> None:
    """One batch: how far it is, and the rows that got no answer."""
    session.show(session.client.get("batch-predictions", batch_id), draw_batch)


def draw_batch(batch: dict[str, Any]) -> RenderableType:
    return stack(
        facts(
            {
                "batch": batch["id"],
                "state": batch["state"],
                "input": batch["input"],
                "model": batch["model"],
                "output": batch["output"],
                "rows": batch["rows"] or batch["rows_scored"],
                "without an answer": batch["bad_rows"],
            }
        ),
        table(batch["bad"], {"row": "row", "why": "reason"}) if batch["bad"] else None,
    )
