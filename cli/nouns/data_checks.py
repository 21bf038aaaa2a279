"""`millrace checks …`: the suite of a dataset, and what it found in a version."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.documents import located, read_document
from cli.nouns.datasets import NameArgument, RefArgument, draw_version, version_of
from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import facts, stack, table

noun = Noun("Data checks.")


@noun.command("set")
def set_suite(
    session: Session,
    name: NameArgument,
    suite: Annotated[Path, typer.Argument(help="The suite in YAML; - is standard input.")],
) -> None:
    """Give a dataset its suite; the next versions are checked with it."""
    document = read_document(suite)
    with located(document):
        answer = session.client.put("datasets", name, "check-suite", body=document.value)
    session.show(
        answer, lambda answer: facts({"dataset": name, "suite": answer.get("version"), "checks": len(answer["checks"])})
    )


@noun.command("run")
def run(
    session: Session,
    ref: RefArgument,
    wait: WaitOption = False,
) -> None:
    """Check a version again with the suite of now."""
    name, number = version_of(session, ref)
    job = session.client.post("datasets", name, "versions", number, "checks")
    follow(session, job, wait=wait, view=draw_version)


@noun.command("show")
def show(session: Session, ref: RefArgument) -> None:
    """What each check came to on a version, with its numbers and failing rows."""
    name, number = version_of(session, ref)
    session.show(session.client.get("datasets", name, "versions", number, "checks"), _draw)


def _draw(report: dict[str, Any]) -> RenderableType:
    columns = {
        "verdict": "verdict",
        "check": "name",
        "severity": "severity",
        "finding": "message",
        "failing": "failing_count",
    }
    failing = [
        table(result["failing_rows"], {key: key for key in result["failing_rows"][0]})
        for result in report["results"]
        if result["failing_rows"]
    ]
    return stack(facts({"verdict": report["verdict"]}), table(report["results"], columns, empty="No checks."), *failing)
