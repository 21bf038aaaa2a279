"""`millrace data build`, `data quarantine` and `data recipe …`: versions made from versions."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.documents import located, read_document
from cli.nouns.jobs import draw_job
from cli.nouns.transfers import NameArgument, RefArgument, version_of
from cli.nouns.transfers import noun as data
from cli.session import Noun, Session, WaitOption
from cli.tables import facts, sentence, stack, table
from cli.versions import draw_version

noun = Noun("The recipe a dataset is built by.")

MessageOption = Annotated[str, typer.Option("-m", "--message", help="What is new in it.")]


@data.command("build")
def build(
    session: Session,
    name: NameArgument,
    recipe: Annotated[
        Path | None, typer.Argument(help="The recipe in YAML; - is standard input; the declared one if absent.")
    ] = None,
    message: MessageOption = "",
    wait: WaitOption = False,
) -> None:
    """Build the next version of a dataset by a recipe. The same rows are the same version."""
    document = None if recipe is None else read_document(recipe)
    with nullcontext() if document is None else located(document):
        if document is None:
            source = session.client.get("datasets", name, "recipe")["recipe"]
        else:
            source = document.value
            session.ensure("datasets", name)
        job = _order(session, name, source, message)
        if not wait:
            session.show(job, draw_job)
            return
        made = session.wait(job["id"])["result"]  # the steps meet their rows here, and may refuse them
    session.show(_settled(session, made), draw_version)


@data.command("quarantine")
def quarantine(
    session: Session,
    ref: RefArgument,
    *,
    clean: Annotated[str | None, typer.Option(help="Dataset of the clean rows; the version's own if absent.")] = None,
    failing: Annotated[str | None, typer.Option(help="Dataset of the others; NAME-quarantine if absent.")] = None,
    warnings: Annotated[bool, typer.Option("--warnings", help="Checks that only warn count too.")] = False,
    column: Annotated[str, typer.Option(help="Column that names the failed checks.")] = "failed_checks",
    message: MessageOption = "",
    wait: WaitOption = False,
) -> None:
    """Split a version by its checks: clean rows to one version, failing ones to another."""
    name, number = version_of(session, ref)
    body = {"clean": clean, "failing": failing, "warnings": warnings, "column": column, "message": message}
    job = session.client.post("datasets", name, "versions", number, "quarantine", body=body)
    if not wait:
        session.show(job, draw_job)
        return
    session.show(session.wait(job["id"])["result"], _draw_split)


@noun.command("set")
def set_recipe(
    session: Session,
    name: NameArgument,
    recipe: Annotated[Path, typer.Argument(help="The recipe in YAML; - is standard input.")],
) -> None:
    """Declare the recipe of a dataset: it is built anew when what it follows has a new version."""
    document = read_document(recipe)
    with located(document):
        session.ensure("datasets", name)
        answer = session.client.put("datasets", name, "recipe", body=document.value)
    session.show(answer, lambda answer: _draw_recipe(name, answer))


@noun.command("show")
def show_recipe(session: Session, name: NameArgument) -> None:
    """The recipe a dataset is built by."""
    session.show(session.client.get("datasets", name, "recipe"), lambda answer: _draw_recipe(name, answer))


@noun.command("remove")
def remove_recipe(session: Session, name: NameArgument) -> None:
    """Build the dataset by no recipe any more. Its versions stay."""
    session.client.delete("datasets", name, "recipe")
    session.show({"removed": name}, lambda _: sentence(f"{name} is built by no recipe any more."))


def _order(session: Session, name: str, recipe: Any, message: str) -> dict[str, Any]:
    source = recipe
    if isinstance(recipe, dict):
        source = {"kind": "recipe", **{key: value for key, value in recipe.items() if key != "follows"}}
    job: dict[str, Any] = session.client.post("datasets", name, "versions", body={"source": source, "message": message})
    return job


def _settled(session: Session, made: dict[str, Any]) -> dict[str, Any]:
    """The version after its checks."""
    session.settle(f"datasets/{made['dataset']}/versions/{made['number']}")
    version: dict[str, Any] = session.client.get("datasets", made["dataset"], "versions", made["number"])
    return version


def _draw_recipe(name: str, answer: dict[str, Any]) -> RenderableType:
    recipe = answer["recipe"]
    columns = {
        "step": lambda row: row["step"],
        "with": lambda row: {
            key: value for key, value in row.items() if key != "step" and value not in (None, [], False)
        },
    }
    return stack(
        facts(
            {
                "dataset": name,
                "recipe": answer["version"],
                "follows": recipe["follows"],
                "concat": recipe["concat"],
                "where": recipe["where"],
                "unique": recipe["unique"],
                "fit on": recipe["fit_on"],
            }
        ),
        table(recipe["steps"], columns, empty="No steps."),
    )


def _draw_split(result: dict[str, Any]) -> RenderableType:
    parts = [{"part": part, **result[part]} for part in ("clean", "failing")]
    columns = {"part": "part", "version": lambda row: f"{row['dataset']}@{row['number']}", "rows": "rows"}
    failed = [{"check": name, "rows": rows} for name, rows in result["checks"].items()]
    return stack(table(parts, columns), table(failed, {"check": "check", "rows": "rows"}))
