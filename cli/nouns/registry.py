"""`millrace models …`: registered models, their versions and their policy."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.documents import located, read_document
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


@noun.command("checks")
def checks(session: Session, name: NameArgument, number: NumberArgument) -> None:
    """What the checks of a version found on the frozen test rows."""
    session.show(session.client.get("models", name, "versions", number, "checks"), _draw_report)


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


def _draw_report(report: dict[str, Any]) -> RenderableType:
    columns = {"gate": "gate", "verdict": "verdict", "value": "value", "threshold": "threshold", "finding": "message"}
    return stack(
        facts({"verdict": report["verdict"], "policy": report["policy_version"], "metrics": report["metrics"]}),
        table(report["results"], columns, empty="No checks."),
    )
