"""`millrace sweep …`: try a training with many parameters, follow the trials, stop them."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import Status
from cli.code import code_commit
from cli.documents import located, read_document
from cli.session import ENDED, POLL_SECONDS, Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Sweeps: one training tried with many parameters.")

IdArgument = Annotated[str, typer.Argument(help="Id of the sweep.")]
ExperimentOption = Annotated[
    str | None, typer.Option("--experiment", "-e", help="Where the runs belong; the base's model if absent.")
]


def _done(sweep: dict[str, Any]) -> str:
    waiting = sum(sweep["counts"].get(state, 0) for state in ("waiting", "pending", "running"))
    return f"{sweep['total'] - waiting} of {sweep['total']}"


COLUMNS = {
    "id": "id",
    "experiment": "experiment",
    "state": "state",
    "trials done": _done,
    "metric": lambda row: row["spec"]["objective"]["metric"],
    "best": lambda row: (row["best"] or {}).get("value"),
    "with": lambda row: (row["best"] or {}).get("params"),
    "created": at("created_at"),
}
TRIALS = {
    "trial": "number",
    "state": "state",
    "params": "params",
    "value": "value",
    "id": "run_id",
    "because": "reason",
}


@noun.command("start")
def start(
    session: Session,
    spec: Annotated[Path, typer.Argument(help="The sweep, in YAML; - is standard input.")],
    experiment: ExperimentOption = None,
    wait: WaitOption = False,
) -> None:
    """Start a sweep: its trials are runs, a few at a time."""
    document = read_document(spec)
    body = document.value
    base = body.get("base") if isinstance(body, dict) else None
    name = experiment or (base.get("model") if isinstance(base, dict) else None) or "default"
    session.ensure("experiments", name)
    if isinstance(base, dict) and "code_commit" not in base:
        body = body | {"base": base | {"code_commit": code_commit(spec.absolute().parent)}}
    with located(document):
        sweep = session.client.post("experiments", name, "sweeps", body=body)
    if wait:
        sweep = _wait(session, sweep)
    session.show(sweep, _draw)
    if wait and sweep["state"] != "succeeded":
        raise typer.Exit(Status.REFUSED)


@noun.command("list")
def list_sweeps(
    session: Session,
    experiment: Annotated[str | None, typer.Option("--experiment", "-e", help="Only those of this experiment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Sweeps with the best trial of each, the newest first."""
    rows = session.client.items("sweeps", limit=limit, experiment=experiment)
    session.show(rows, lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, sweep_id: IdArgument) -> None:
    """One sweep and its trials."""
    session.show(session.client.get("sweeps", sweep_id), _draw)


@noun.command("cancel")
def cancel(session: Session, sweep_id: IdArgument) -> None:
    """Begin no further trial, and stop those that are queued or running."""
    session.show(session.client.post("sweeps", sweep_id, "cancel"), _draw)


def _wait(session: Session, sweep: dict[str, Any]) -> dict[str, Any]:
    with session.progress() as progress:
        task = progress.add_task("", total=sweep["total"])
        while True:
            ended = sum(trial["ended_at"] is not None for trial in sweep["trials"])
            progress.update(task, completed=ended, description=f"{_done(sweep)} trials")
            if sweep["state"] in ENDED:
                return sweep
            time.sleep(POLL_SECONDS)
            sweep = session.client.get("sweeps", sweep["id"])


def _draw(sweep: dict[str, Any]) -> RenderableType:
    spec, best = sweep["spec"], sweep["best"] or {}
    return stack(
        facts(
            {
                "sweep": sweep["id"],
                "experiment": sweep["experiment"],
                "state": sweep["state"],
                "because": sweep["reason"],
                "data": spec["base"]["dataset"],
                "trainer": spec["base"]["trainer"],
                "looks for": f"the {spec['objective']['goal']} of {spec['objective']['metric']}",
                "best": best.get("value"),
                "with": best.get("params"),
                "run": best.get("run_id"),
                "created": f"{when(sweep['created_at'])} by {sweep['created_by']}",
            }
        ),
        table(sweep["trials"], TRIALS),
    )
