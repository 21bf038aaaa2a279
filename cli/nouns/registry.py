"""`millrace models …`: registered models, their versions and their policy."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.documents import located, read_document
from cli.model_reports import draw_report, draw_suite
from cli.nouns.jobs import follow
from cli.nouns.training import on_test
from cli.session import Noun, Session
from cli.tables import at, facts, stack, table, when

noun = Noun("Registered models.")

NumberArgument = Annotated[int, typer.Argument(min=1, help="Number of the version.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the model.")]


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
                "aliases": model["aliases"],
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
