"""What of `millrace models …` is about what is kept of a version: evidence, lineage, images, drills, comparisons."""

import sys
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.nouns.jobs import follow
from cli.nouns.promotions import draw_promotion
from cli.nouns.registry import NameArgument, NumberArgument, noun
from cli.session import Session, WaitOption
from cli.tables import at, facts, number, size, stack, table, when

LimitOption = Annotated[int, typer.Option(min=1, help="At most so many.")]


@noun.command("recheck")
def recheck(
    session: Session,
    *,
    name: NameArgument,
    number: NumberArgument,
    suite: Annotated[str | None, typer.Option(help="Only this suite.")] = None,
    dataset: Annotated[str | None, typer.Option(help="NAME[@n] instead of the frozen test rows.")] = None,
    wait: WaitOption = False,
) -> None:
    """Run the checks of a version again."""
    body = {"suite": suite, "dataset": dataset, "fresh": True}
    job = session.client.post("models", name, "versions", number, "checks", body=body)
    follow(session, job, wait=wait, view=facts)


@noun.command("evidence")
def evidence(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """What the gates found out about a version, at its last promotion."""
    session.show(session.client.get("models", name, "versions", number, "evidence"), draw_promotion)


@noun.command("lineage")
def lineage(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """The run, the data, the code and the environment that a version comes from."""
    session.show(session.client.get("models", name, "versions", number, "lineage"), _draw_lineage)


@noun.command("archive")
def archive(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """Take a version that answers nowhere out of the way. It stays readable."""
    answer = session.client.post("models", name, "versions", number, "archive")
    session.show(answer, lambda one: facts({"version": f"{one['model']}@{one['number']}", "state": one["state"]}))


@noun.command("compare-on")
def compare_on(
    session: Session,
    *,
    name: NameArgument,
    versions: Annotated[list[str], typer.Argument(help="Numbers, or MODEL@n of other models.")],
    data: Annotated[list[str], typer.Option("--data", help="Rows to score them on: NAME or NAME@n; repeat it.")],
    where: Annotated[list[str] | None, typer.Option(help="A slice, as SQL; repeat it.")] = None,
    metric: Annotated[str | None, typer.Option(help="What is compared; absent, the task's own.")] = None,
    wait: WaitOption = False,
) -> None:
    """Score versions on the same rows of several dataset versions, and test their differences."""
    chosen = [int(one) if one.isdecimal() else one for one in versions]
    body = {"versions": chosen, "datasets": data, "where": where or [], "metric": metric}
    job = session.client.post("models", name, "comparisons", body=body)
    follow(session, job, wait=wait, view=_draw_comparison)


@noun.command("comparisons")
def list_comparisons(session: Session, name: NameArgument, limit: LimitOption = 20) -> None:
    """Comparisons of a model's versions on data, the newest first."""
    columns = {
        "id": "id",
        "state": "state",
        "versions": lambda row: [one["ref"] for one in row["versions"]],
        "data": lambda row: [one["ref"] for one in row["datasets"]],
        "metric": "metric",
        "made": at("created_at"),
    }
    rows = session.client.items("models", name, "comparisons", limit=limit)
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("comparison")
def comparison(session: Session, comparison_id: Annotated[str, typer.Argument(help="Id of the comparison.")]) -> None:
    """One comparison: every version on every data, and which differences are real."""
    session.show(session.client.get("comparisons", comparison_id), _draw_comparison)


@noun.command("drills")
def drills(session: Session, name: NameArgument, limit: LimitOption = 20) -> None:
    """Drills of a model's gates, the newest first."""
    columns = {
        "id": "id",
        "version": "version",
        "policy": "policy_version",
        "state": "state",
        "got through": "got_through",
        "made": at("created_at"),
    }
    rows = session.client.items("models", name, "gate-drills", limit=limit)
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("images")
def images(session: Session, name: NameArgument, number: NumberArgument, limit: LimitOption = 20) -> None:
    """Container images that a version was pushed as, the newest first."""
    columns = {
        "target": "target",
        "state": "state",
        "platform": "platform",
        "size": lambda row: size((row["pushed"] or {}).get("image_bytes")),
        "pushed": at("pushed_at"),
    }
    rows = session.client.items("models", name, "versions", number, "images", limit=limit)
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("dockerfile")
def dockerfile(
    session: Session,
    name: NameArgument,
    number: NumberArgument,
    base: Annotated[str | None, typer.Option(help="The serving image; absent, that of the settings.")] = None,
) -> None:
    """Print a Dockerfile for an image that answers with a version by itself."""
    asked = {} if base is None else {"base": base}
    session.document(session.client.text("models", name, "versions", number, "dockerfile", **asked))


@noun.command("build-context")
def build_context(
    session: Session,
    name: NameArgument,
    number: NumberArgument,
    base: Annotated[str | None, typer.Option(help="The serving image; absent, that of the settings.")] = None,
) -> None:
    """Write what `docker build -` takes to standard output: the Dockerfile, and the model store that it wants."""
    if sys.stdout.isatty():
        raise typer.BadParameter("It is a tar file: pipe it into `docker build -`, or into a file.")
    path = ("models", name, "versions", number, "build-context")
    asked = {} if base is None else {"base": base}
    for piece in session.client.download(*path, start=0, **asked):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@noun.command("kubernetes")
def kubernetes(
    session: Session,
    name: NameArgument,
    number: NumberArgument,
    namespace: Annotated[str, typer.Option(help="Of the cluster.")] = "default",
) -> None:
    """Print the manifests that run a version's newest image in a cluster, as `millrace deploy --kubernetes` does."""
    session.document(session.client.text("models", name, "versions", number, "kubernetes", namespace=namespace))


@noun.command("outside-changes")
def outside_changes(session: Session, name: NameArgument, limit: LimitOption = 20) -> None:
    """What somebody changed in MLflow past the gates, the newest first."""
    columns = {
        "id": "id",
        "what": lambda row: row["alias"] or row["kind"],
        "found": "found",
        "expected": "expected",
        "by": "who",
        "seen": at("seen_at"),
        "acknowledged by": "acknowledged_by",
    }
    rows = session.client.items("models", name, "outside-changes", limit=limit)
    session.show(rows, lambda rows: table(rows, columns, empty="None: MLflow says what the gates decided."))


@noun.command("ack-change")
def acknowledge_change(
    session: Session, name: NameArgument, change_id: Annotated[str, typer.Argument(help="Id of the change.")]
) -> None:
    """Say that a change in MLflow has been seen."""
    session.show(session.client.post("models", name, "outside-changes", change_id, "acknowledge"), facts)


def _difference(pair: dict[str, Any]) -> str | None:
    found = pair["comparison"]
    if found is None:
        problem: str | None = pair["problem"]
        return problem
    interval = f"{number(found['difference_low'])} to {number(found['difference_high'])}"
    return f"{number(found['difference'])} ({interval}), p {number(found['p_value'])}"


def _draw_lineage(found: dict[str, Any]) -> RenderableType:
    run, data = found["run"], found["data"]
    return facts(
        {
            "version": f"{found['model']}@{found['number']}",
            "run": f"{run['id']} of {run['experiment']}",
            "trainer": run["trainer"],
            "params": run["params"],
            "seed": run["seed"],
            "code": run["code_commit"],
            "MLflow run": run["mlflow_run_id"],
            "data": f"{data['dataset']}@{data['number']} ({data['digest']}), {data['state']}",
            "environment": found["environment_digest"],
            "package": found["package_digest"],
            "made": f"{when(run['created_at'])} by {run['created_by']}",
        }
    )


def _draw_comparison(found: dict[str, Any]) -> RenderableType:
    about = facts(
        {
            "comparison": found["id"],
            "state": found["state"],
            "versions": [one["ref"] for one in found["versions"]],
            "data": [one["ref"] for one in found["datasets"]],
            "metric": found["metric"],
        }
    )
    result = found["result"]
    if result is None:
        return about
    cells = {name: name for name in ("version", "dataset", "where", "value", "low", "high", "rows", "problem")}
    pairs: dict[str, object] = {name: name for name in ("champion", "challenger", "dataset", "where")}
    pairs["difference"] = _difference
    return stack(about, table(result["cells"], cells), table(result["pairs"], pairs) if result["pairs"] else None)
