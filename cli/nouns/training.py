"""`millrace train`, `millrace compare` and `millrace runs …`: start a training run, look at runs, reproduce one."""

import webbrowser
from operator import itemgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.code import code_commit
from cli.completion import RUNS
from cli.documents import located, read_document
from cli.nouns.jobs import draw_job, draw_lines, draw_usage, follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Training runs.")
verbs = Noun()

IdArgument = Annotated[str, typer.Argument(help="Id of the run.", autocompletion=RUNS)]
PROFILES = {".html": "html", ".json": "speedscope", ".txt": "text"}
"""Forms of a profile by the ending of the file."""


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
    condition: Annotated[
        str | None, typer.Option("--filter", "-f", help="Such as 'metrics.test_mae < 50 and trainer = \"linear\"'.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="created_at, metrics.NAME or params.NAME; -NAME: the largest first.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Runs, the newest first unless they are sorted."""
    rows = session.client.items("runs", limit=limit, experiment=experiment, filter=condition, sort=sort)
    session.show(rows, lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, run_id: IdArgument) -> None:
    """One run: what it was trained on and with, its metrics, and what it took."""
    session.show(session.client.get("runs", run_id), draw_run)


@noun.command("profile")
def profile(
    session: Session,
    run_id: IdArgument,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write: .html a page, .json for speedscope, .txt a tree.")
    ] = None,
) -> None:
    """Where a training spent its time: as a tree of text, unless it is opened or written to a file."""
    if out is not None and out.suffix not in PROFILES:
        known = ", ".join(PROFILES)
        raise ClientError(f"{out} says by its name what to write: one of {known}.", status=Status.USAGE)
    if out is None and not open_it:
        session.document(_profile(session, run_id, "text").decode())
        return
    if out is not None:
        data = _profile(session, run_id, PROFILES[out.suffix])
        try:
            out.write_bytes(data)
        except OSError as error:
            raise ClientError(f"{out} cannot be written: {error.strerror}.", status=Status.USAGE) from error
        session.wrote(out)
    if open_it:
        page = _profile(session, run_id, "html")
        with NamedTemporaryFile(prefix="millrace-profile-", suffix=".html", delete=False) as file:  # the browser's
            file.write(page)
        if not webbrowser.open(Path(file.name).as_uri()):
            session.note(f"There is no browser here. The page is {file.name}.")


@noun.command("logs")
def logs(session: Session, run_id: IdArgument) -> None:
    """What a run wrote; `millrace jobs logs -f` follows its job."""
    draw_lines(session, "runs", run_id, "logs")


@noun.command("reproduce")
def reproduce(
    session: Session,
    run_id: IdArgument,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="How far apart still counts as the same; 1e-6 if absent.")
    ] = None,
    wait: WaitOption = False,
) -> None:
    """Train a run again with all that it had, and compare. With --wait, exit status 1 when it is not reproduced."""
    body = {} if tolerance is None else {"tolerance": tolerance}
    job = session.client.post("runs", run_id, "reproduce", body=body)
    if not wait:
        session.show(job, draw_job)
        return
    result = session.wait(job["id"])["result"]
    session.show(session.client.get("reproductions", result["reproduction_id"]), _draw_reproduction)
    if result["verdict"] == "not_reproduced":
        raise typer.Exit(Status.REFUSED)


@verbs.command("compare")
@noun.command("compare")
def compare(
    session: Session,
    run_ids: Annotated[list[str], typer.Argument(min=2, help="Ids of 2 to 100 runs.", autocompletion=RUNS)],
) -> None:
    """Runs side by side: what differs of what was asked, of data, code and environment, and every metric."""
    session.show(session.client.get("runs", "compare", ids=",".join(run_ids)), _draw_comparison)


def _profile(session: Session, run_id: str, form: str) -> bytes:
    return b"".join(session.client.download("runs", run_id, "profile", format=form))


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
        draw_usage(run["usage"]),
    )


def _draw_comparison(comparison: dict[str, Any]) -> RenderableType:
    rows = {"data": comparison["datasets"], "state": comparison["states"], "code": comparison["code_commits"]}
    lines = [*rows.items(), *comparison["params"].items(), *comparison["environments"].items()]
    return stack(
        facts({"differs": comparison["differs"]}),
        table(
            [[name, *values] for name, values in [*lines, *comparison["metrics"].items()]],
            {run_id: itemgetter(place) for place, run_id in enumerate(["", *comparison["runs"]])},
        ),
    )


def _draw_reproduction(made: dict[str, Any]) -> RenderableType:
    finding = made["finding"] or {}
    columns = {"metric": "name", "first": "first", "again": "again", "relative": "relative"}
    return stack(
        facts(
            {
                "run": made["run_id"],
                "again": made["again_id"],
                "verdict": made["verdict"],
                "because": " ".join(finding.get("reasons", [])),
                "tolerance": made["tolerance"],
                "predictions": finding.get("predictions"),
            }
        ),
        table(finding["metrics"], columns) if finding.get("metrics") else None,
    )
