"""`millrace train` and `millrace runs …`: start a training run, and look at runs."""

from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.code import code_commit
from cli.documents import located, read_document
from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Training runs.")
verbs = Noun()


def on_test(row: dict[str, Any]) -> dict[str, float]:
    """The metrics on the test rows, which are what one compares."""
    return {name.removeprefix("test_"): value for name, value in row["metrics"].items() if name.startswith("test_")}


COLUMNS = {
    "id": "id",
    "experiment": "experiment",
    "trainer": "trainer",
    "data": lambda row: f"{row['dataset']}@{row['dataset_version']}",
    "state": "state",
    "on test rows": on_test,
    "created": at("created_at"),
}


@verbs.command("train")
def train(
    session: Session,
    spec: Annotated[Path, typer.Argument(help="What to train, in YAML; - is standard input.")],
    experiment: Annotated[
        str | None, typer.Option("--experiment", "-e", help="Where the run belongs; the model's name if absent.")
    ] = None,
    wait: WaitOption = False,
) -> None:
    """Start a training run."""
    document = read_document(spec)
    name = experiment or (document.value.get("model") if isinstance(document.value, dict) else None) or "default"
    session.ensure("experiments", name)
    body = document.value
    if isinstance(body, dict) and "code_commit" not in body:
        body = body | {"code_commit": code_commit(spec.absolute().parent)}
    with located(document):
        job = session.client.post("experiments", name, "runs", body=body)
    follow(session, job, wait=wait, view=draw_run)


@noun.command("list")
def list_runs(
    session: Session,
    experiment: Annotated[str | None, typer.Option("--experiment", "-e", help="Only those of this experiment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Runs, the newest first."""
    rows = session.client.items("runs", limit=limit, experiment=experiment)
    session.show(rows, lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, run_id: Annotated[str, typer.Argument(help="Id of the run.")]) -> None:
    """One run: what it was trained on and with, and its metrics."""
    session.show(session.client.get("runs", run_id), draw_run)


@noun.command("compare")
def compare(
    session: Session, run_ids: Annotated[list[str], typer.Argument(min=2, help="Ids of two or more runs.")]
) -> None:
    """Runs side by side: what differs of what was asked, and every metric."""
    session.show(session.client.get("runs", "compare", ids=",".join(run_ids)), _draw_comparison)


def draw_run(run: dict[str, Any]) -> RenderableType:
    package = run["package"] or {}
    return stack(
        facts(
            {
                "run": run["id"],
                "experiment": run["experiment"],
                "state": run["state"],
                "because": run["reason"],
                "trainer": run["trainer"],
                "params": run["params"],
                "seed": run["seed"],
                "data": f"{run['dataset']}@{run['dataset_version']} ({run['dataset_digest']})",
                "code": run["code_commit"],
                "served as": package.get("flavor"),
                "why": package.get("reason"),
                "MLflow run": run["mlflow_run_id"],
                "notes": run["notes"],
                "job": run["job_id"],
                "created": f"{when(run['created_at'])} by {run['created_by']}",
            }
        ),
        table(run["metrics"].items(), {"metric": lambda row: row[0], "value": lambda row: row[1]}, empty="No metrics."),
    )


def _draw_comparison(comparison: dict[str, Any]) -> RenderableType:
    rows = {"data": comparison["datasets"], "state": comparison["states"], "code": comparison["code_commits"]}
    lines = [*rows.items(), *comparison["params"].items(), *comparison["metrics"].items()]
    return table(
        [[name, *values] for name, values in lines],
        {run_id: itemgetter(place) for place, run_id in enumerate(["", *comparison["runs"]])},
    )
