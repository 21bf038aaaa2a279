"""`millrace pipelines …`: declare the loop, set it off, see how far it is."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.completion import PIPELINES
from cli.documents import located, read_document
from cli.session import Noun, Session
from cli.tables import at, facts, sentence, stack, table, when

noun = Noun("Pipelines and their runs.")

NameArgument = Annotated[str, typer.Argument(help="Name of the pipeline.", autocompletion=PIPELINES)]


@noun.command("apply")
def apply(
    session: Session,
    name: NameArgument,
    spec: Annotated[Path, typer.Argument(help="The pipeline in YAML; - is standard input.")],
) -> None:
    """Declare a pipeline, or change it."""
    document = read_document(spec)
    with located(document):
        answer = session.client.put("pipelines", name, body=document.value)
    session.show(answer, facts)


@noun.command("run")
def run(
    session: Session,
    name: NameArgument,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why; it is kept.")] = None,
) -> None:
    """Turn a pipeline once, now."""
    body = {"reason": reason} if reason else None
    session.show(session.client.post("pipelines", name, "runs", body=body), draw_run)


@noun.command("cancel")
def cancel(session: Session, run_id: Annotated[str, typer.Argument(help="Id of the run.")]) -> None:
    """Let no further step of a run begin."""
    session.show(session.client.post("pipeline-runs", run_id, "cancel"), draw_run)


@noun.command("status")
def status(session: Session, run_id: Annotated[str, typer.Argument(help="Id of the run.")]) -> None:
    """One run of a pipeline: how far it is, step by step."""
    session.show(session.client.get("pipeline-runs", run_id), draw_run)


@noun.command("triggers")
def triggers(
    session: Session,
    name: NameArgument,
    document: Annotated[Path, typer.Argument(metavar="TRIGGERS", help="A list of them in YAML; - is standard input.")],
) -> None:
    """Change what sets a pipeline off, and nothing else of it."""
    content = read_document(document)
    body = {"triggers": content.value} if isinstance(content.value, list) else content.value
    with located(content):
        answer = session.client.put("pipelines", name, "triggers", body=body)
    session.show(answer["spec"]["triggers"], lambda found: stack(*map(facts, found)) if found else sentence("None."))


@noun.command("list")
def list_pipelines(session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50) -> None:
    """All pipelines."""
    columns = {
        "name": "name",
        "builds": lambda row: row["spec"]["build"]["dataset"],
        "model": lambda row: row["spec"]["model"],
        "triggers": lambda row: [trigger["on"] for trigger in row["spec"]["triggers"]],
        "revision": "revision",
        "changed": at("updated_at"),
    }
    session.show(session.client.items("pipelines", limit=limit), lambda rows: table(rows, columns))


@noun.command("show")
def show(session: Session, name: NameArgument) -> None:
    """One pipeline and its last runs, step by step."""
    pipeline = session.client.get("pipelines", name)
    runs = session.client.items("pipelines", name, "runs", limit=10)
    session.show(pipeline | {"runs": runs}, _draw)


def _draw(pipeline: dict[str, Any]) -> RenderableType:
    plain = {name: value for name, value in pipeline.items() if name != "runs"}
    return stack(facts(plain), *map(draw_run, pipeline["runs"]))


def draw_run(run: dict[str, Any]) -> RenderableType:
    columns = {"step": "name", "state": "state", "what came of it": "reason", "waits for": "waits_for"}
    return stack(
        facts(
            {
                "run": run["id"],
                "state": run["state"],
                "set off by": f"{run['trigger']}: {run['trigger_reason']}",
                "because": run["reason"],
                "started": f"{when(run['started_at'])} by {run['started_by']}",
                "ended": when(run["ended_at"]),
            }
        ),
        table(run["steps"], columns, empty="No steps yet."),
    )
