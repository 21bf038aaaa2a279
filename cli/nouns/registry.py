"""`millrace models …`: registered models, their versions and their policy."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.completion import MODELS
from cli.documents import located, read_document
from cli.gate_drills import draw_drill
from cli.model_reports import draw_report, draw_suite
from cli.nouns.jobs import follow
from cli.nouns.training import on_test
from cli.session import Noun, Session
from cli.tables import at, facts, number, sentence, size, stack, table, when

noun = Noun("Registered models.")

NumberArgument = Annotated[int, typer.Argument(min=1, help="Number of the version.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the model.", autocompletion=MODELS)]


@noun.command("list")
def list_models(session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50) -> None:
    """All models."""
    columns = {
        "name": "name",
        "versions": "versions",
        "champion": "champion",
        "challenger": "challenger",
        "created": at("created_at"),
    }
    session.show(session.client.items("models", limit=limit), lambda rows: table(rows, columns))


@noun.command("show")
def show(session: Session, name: NameArgument) -> None:
    """One model: its aliases, its policy, its versions."""
    model = session.client.get("models", name)
    versions = session.client.items("models", name, "versions", limit=50)
    session.show(model | {"version_list": versions}, _draw)


@noun.command("policy")
def policy(
    session: Session,
    name: NameArgument,
    document: Annotated[
        Path | None, typer.Argument(help="The policy in YAML; absent, the one in force is shown.")
    ] = None,
) -> None:
    """Set what a version must show before it may be champion."""
    if document is None:
        session.show(session.client.get("models", name)["policy"], draw_policy)
        return
    content = read_document(document)
    with located(content):
        answer = session.client.put("models", name, "policy", body=content.value)
    session.show(answer, draw_policy)


@noun.command("version")
def version(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """One version: its metrics, how it is served and why."""
    session.show(session.client.get("models", name, "versions", number), _draw_version)


@noun.command("suite")
def suite(
    session: Session,
    name: NameArgument,
    document: Annotated[
        Path | None, typer.Argument(help="The suite in YAML or JSON; absent, the one that counts is shown.")
    ] = None,
    named: Annotated[
        str | None, typer.Option("--as", help="Name of the suite; absent, the file's without its ending.")
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Show this version of it.")] = None,
) -> None:
    """Give a model the next version of a suite of checks, or show one (`--as`), or all."""
    if document is not None:
        content = read_document(document)
        chosen = named or document.stem
        with located(content):
            answer = session.client.put_text("models", name, "suites", chosen, text=content.text)
        session.show(answer, draw_suite)
    elif named is not None:
        session.show(session.client.get("models", name, "suites", named, version=version), draw_suite)
    else:
        columns = {"suite": "name", "version": "number", "checks": "checks", "set": at("created_at")}
        session.show(session.client.items("models", name, "suites", limit=500), lambda rows: table(rows, columns))


@noun.command("checks")
def checks(
    session: Session,
    name: NameArgument,
    number: NumberArgument,
    examples: Annotated[bool, typer.Option("--examples", help="Show the rows that fail.")] = False,
) -> None:
    """What the checks of a version found on the frozen test rows."""
    report = session.client.get("models", name, "versions", number, "checks")
    session.show(report, lambda found: draw_report(found, examples=examples))


@noun.command("drill")
def drill(
    session: Session,
    name: NameArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    every: Annotated[
        int | None, typer.Option(min=0, help="Instead, drill by itself every so many days; 0 for never again.")
    ] = None,
) -> None:
    """Send models and data that are broken on purpose through the gates, and see what gets through."""
    if every is not None:
        answer = session.client.put("models", name, "gate-drill-schedule", body={"every_days": every or None})
        session.show(answer, facts)
        return
    job = session.client.post("models", name, "gate-drill")
    _, _, drill_id = job["subject"].partition("/")
    follow(session, job, wait=wait, view=lambda _: draw_drill(session.client.get("gate-drills", drill_id)))


@noun.command("image")
def image(
    session: Session,
    *,
    name: NameArgument,
    number: NumberArgument,
    to: Annotated[str, typer.Option(help="HOST/REPOSITORY:TAG, in a registry that the settings allow.")],
    base: Annotated[str | None, typer.Option(help="The serving image; absent, that of the settings.")] = None,
    platform: Annotated[str, typer.Option(help="Which one of a base that is many.")] = "linux/amd64",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
) -> None:
    """Push a version as a container image that answers by itself."""
    body = {"to": to, "platform": platform} | ({"base": base} if base else {})
    job = session.client.post("models", name, "versions", number, "image", body=body)
    follow(session, job, wait=wait, view=lambda _: facts(_newest_image(session, name, number)))


def _newest_image(session: Session, name: str, number: int) -> dict[str, Any]:
    newest: dict[str, Any] = session.client.items("models", name, "versions", number, "images", limit=1)[0]["pushed"]
    return {field: newest[field] for field in ("reference", "base", "layer_digest", "layer_bytes", "image_bytes")}


@noun.command("import")
def import_model(
    session: Session,
    *,
    name: NameArgument,
    uri: Annotated[str, typer.Argument(help="`runs:/RUN/PATH`, `models:/NAME/3` or `models:/m-…`.")],
    dataset: Annotated[str, typer.Option(help="Rows with the truth that it is judged on.")],
    trained_on: Annotated[str | None, typer.Option(help="The data it was trained on, if it is here.")] = None,
    unseen: Annotated[bool, typer.Option("--unseen", help="I state that it was not trained on the dataset.")] = False,
    experiment: Annotated[str | None, typer.Option(help="Takes the run.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Let the code it carries run (admins).")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
) -> None:
    """Make an MLflow model that was trained elsewhere the next version of a model."""
    said = {"trained_on": trained_on, "unseen": unseen, "trust": trust}
    named = {} if experiment is None else {"experiment": experiment}
    job = session.client.post("models", name, "versions", body={"mlflow": uri, "dataset": dataset, **said, **named})

    def view(model: dict[str, Any]) -> RenderableType:
        return _draw(model | {"version_list": session.client.items("models", name, "versions", limit=50)})

    follow(session, job, wait=wait, view=view)


@noun.command("search")
def search(
    session: Session,
    *,
    words: Annotated[str | None, typer.Argument(help="In the model's name or the version's description.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="As key:value; repeat it.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="As mae<40; repeat it.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Trained on it: NAME or NAME@n.")] = None,
    trainer: Annotated[str | None, typer.Option(help="Trained by it.")] = None,
    alias: Annotated[str | None, typer.Option(help="champion or challenger.")] = None,
    state: Annotated[str | None, typer.Option(help="registered, checked or archived.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Versions of all models for which every filter holds."""
    asked = {"q": words, "tag": tag, "metric": metric, "dataset": dataset, "trainer": trainer}
    rows = session.client.items(
        "model-versions",
        limit=limit,
        alias=alias,
        state=state,
        **{name: value for name, value in asked.items() if value},
    )
    columns = {
        "version": lambda row: f"{row['model']}@{row['number']}",
        "state": "state",
        "aliases": "aliases",
        "tags": "tags",
        "on test rows": on_test,
        "created": at("created_at"),
    }
    session.show(rows, lambda rows: table(rows, columns, empty="None found."))


@noun.command("card")
def card(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """Everything that is known of a version, as Markdown."""
    path = ("models", name, "versions", number, "card")
    if session.as_json:
        session.show(session.client.get(*path), sentence)
    else:
        typer.echo(session.client.text(*path, format="markdown"), nl=False)


@noun.command("compare")
def compare(
    session: Session,
    name: NameArgument,
    versions: Annotated[list[str], typer.Argument(help="Two or more: numbers, or MODEL@n of other models.")],
) -> None:
    """Versions side by side: metrics, and what differs of how they were made."""
    session.show(session.client.get("models", name, "compare", versions=",".join(versions)), _draw_side_by_side)


@noun.command("history")
def history(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """What happened to a version, the newest first."""
    columns = {"at": at("at"), "what": "what", "who": "who", "detail": "detail"}
    rows = session.client.get("models", name, "versions", number, "history")
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("describe")
def describe(
    session: Session,
    *,
    name: NameArgument,
    number: Annotated[int | None, typer.Argument(min=1, help="A version, instead of the model.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is.")] = None,
    intended_use: Annotated[str | None, typer.Option(help="Of the model: what it is for.")] = None,
    limits: Annotated[str | None, typer.Option(help="Of the model: what it is not for.")] = None,
    outside_changes: Annotated[
        str | None, typer.Option(help="Of the model, on changes in MLflow: revert, adopt or flag.")
    ] = None,
) -> None:
    """Write what a person knows of a model or a version."""
    texts = {
        "description": description,
        "intended_use": intended_use,
        "limits": limits,
        "outside_changes": outside_changes,
    }
    _change(session, name, number, {field: text for field, text in texts.items() if text is not None})


@noun.command("tag")
def tag(
    session: Session,
    name: NameArgument,
    tags: Annotated[list[str], typer.Argument(help="key:value to set it, key- to take it away.")],
    number: Annotated[int | None, typer.Option("--version", "-n", min=1, help="A version, not the model.")] = None,
) -> None:
    """Set and take away tags."""
    wanted: dict[str, str | None] = {}
    for one in tags:
        key, colon, value = one.partition(":")
        if not colon and not one.endswith("-"):
            raise ClientError(
                f"{one!r} is no tag.", fix="Write key:value, or key- to take it away.", status=Status.USAGE
            )
        wanted[key if colon else one[:-1]] = value if colon else None
    _change(session, name, number, {"tags": wanted})


def _change(session: Session, name: str, number: int | None, body: dict[str, Any]) -> None:
    path = ("models", name) if number is None else ("models", name, "versions", number)
    answer = session.client.patch(*path, body=body)
    shown = ("description", "intended_use", "limits", "outside_changes", "tags")
    session.show(answer, lambda answer: facts({field: answer.get(field) for field in shown}))


def _draw_side_by_side(found: dict[str, Any]) -> RenderableType:
    def beside(rows: list[dict[str, Any]]) -> RenderableType:
        head = {"": "name"} | {
            version: lambda row, place=place: _cell(row["values"][place])
            for place, version in enumerate(found["versions"])
        }
        return table(rows, head, empty="None.")

    made = [
        {"name": "data", "values": [one["dataset"] for one in found["data"]]},
        {"name": "checks", "values": found["verdicts"]},
        {"name": "promotion", "values": found["promotions"]},
        {"name": "served as", "values": found["flavors"]},
        {"name": "package", "values": [size(one) for one in found["sizes"]]},
        {"name": "latency", "values": found["latencies"]},
    ]
    return stack(
        sentence(found["warning"]) if found["warning"] else None,
        beside(found["metrics"]),
        beside(found["params"]),
        beside(made),
        beside(found["slices"]),
        beside(found["checks"]),
    )


def _cell(value: Any) -> Any:
    """A metric with its interval, a slice or a check in one cell."""
    if not isinstance(value, dict) or "low" not in value:
        return value
    written = number(value.get("value", value.get("metric")))
    if value["low"] is not None:
        written = f"{written} ({number(value['low'])} to {number(value['high'])})"
    return f"{value['verdict']} {written}" if "verdict" in value else written


def _draw(model: dict[str, Any]) -> RenderableType:
    columns = {
        "n": "number",
        "state": "state",
        "aliases": "aliases",
        "run": "run_id",
        "served as": "flavor",
        "on test rows": on_test,
        "created": at("created_at"),
    }
    return stack(
        facts(
            {
                "model": model["name"],
                "predicts": f"{model['target']} ({model['task']})",
                "about": model["description"],
                "intended use": model["intended_use"],
                "limits": model["limits"],
                "tags": model["tags"],
                "aliases": model["aliases"],
                "changed in MLflow": [
                    f"{one['alias'] or one['kind']} ({one['found']}) {one['note']}".strip()
                    for one in model["changed_outside"]
                ],
                "policy": f"version {model['policy_version']}, approval {model['policy']['approval']}",
            }
        ),
        draw_policy(model["policy"]),
        table(model["version_list"], columns, empty="No versions yet."),
    )


def draw_policy(policy: dict[str, Any]) -> RenderableType:
    columns = {"gate": "gate", "asks": lambda gate: {name: value for name, value in gate.items() if name != "gate"}}
    return stack(table(policy["gates"], columns, empty="No gates."), facts({"approval": policy["approval"]}))


def _draw_version(version: dict[str, Any]) -> RenderableType:
    return facts(
        {
            "version": f"{version['model']} {version['number']}",
            "state": version["state"],
            "aliases": version["aliases"],
            "run": version["run_id"],
            "served as": version["flavor"],
            "why": version["package"]["reason"],
            "agreement": version["package"]["agreement"],
            "package": version["package_digest"],
            "on test rows": on_test(version),
            "created": f"{when(version['created_at'])} by {version['created_by']}",
        }
    )
