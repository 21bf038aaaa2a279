"""`millrace checks …`: the suite of a dataset, and what it found in a version."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.documents import located, read_json
from cli.nouns.jobs import follow
from cli.nouns.transfers import NameArgument, RefArgument, version_of
from cli.session import Noun, Session, WaitOption
from cli.suites import bare, read_suite, suite_text, write_suite
from cli.tables import facts, sentence, stack, table
from cli.versions import draw_version

noun = Noun("Data checks.")


@noun.command("set")
def set_suite(
    session: Session,
    name: NameArgument,
    suite: Annotated[Path, typer.Argument(help="The suite in YAML; - is standard input.")],
) -> None:
    """Give a dataset its suite; the next versions are checked with it."""
    document = read_suite(suite)
    with located(document):
        answer = session.client.put("datasets", name, "check-suite", body=document.value)
    session.show(answer, lambda answer: _draw_set(name, answer))


@noun.command("suggest")
def suggest(
    session: Session,
    ref: RefArgument,
    target: Annotated[str | None, typer.Option(help="The column that is to be predicted.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the suite; the screen if absent.")] = None,
) -> None:
    """A first suite from what a version looks like, with the reason for each check: edit it, then `checks set`."""
    name, number = version_of(session, ref)
    path = ("datasets", name, "versions", number, "check-suite", "suggest")
    answer = session.client.post(*path, target=target)
    left_out = [f"  {one['about']}: {one['why']}" for one in answer["left_out"]]
    text = suite_text(
        [bare(check) for check in answer["suite"]["checks"]],
        answer["reasons"],
        ["Left out:", *left_out] if left_out else [],
        title=f"Suggested from {name}@{number}. Each check passes on it; edit, then: millrace checks set {name} FILE",
    )
    _hand_over(session, answer, text, out, left=len(left_out))


@noun.command("import-gx")
def import_gx(
    session: Session,
    suite: Annotated[Path, typer.Argument(help="A suite of Great Expectations 1.x in JSON; - is standard input.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the suite; the screen if absent.")] = None,
    dataset: Annotated[str | None, typer.Option("--set", help="Give this dataset the suite at once.")] = None,
    with_rest: Annotated[
        bool, typer.Option("--with-rest", help="Leave what has no equivalent to Great Expectations, as one more check.")
    ] = False,
) -> None:
    """Turn a suite of Great Expectations into checks of our own, and list what has no equivalent."""
    if out and dataset:
        raise ClientError("Give --out or --set, not both.", status=Status.USAGE)
    document = read_json(suite)
    with located(document):
        answer = session.client.post("check-suites", "translate", body=document.value)
    checks = [bare(check) for check in answer["suite"]["checks"]]
    if with_rest and answer["rest"]:
        checks.append({"check": "great_expectations", "suite": answer["rest"]})
    for remark in answer["remarks"]:
        word = (
            "close, not the same" if remark["translated"] else "kept for the library" if with_rest else "no equivalent"
        )
        session.note(f"{remark['place']} {remark['expectation']}: {word}: {remark['why']} {remark['fix']}")
    if dataset:
        current = session.client.put("datasets", dataset, "check-suite", body={"checks": checks})
        session.show(current, lambda current: _draw_set(dataset, current))
        return
    left = sum(not remark["translated"] for remark in answer["remarks"])
    title = (
        f"From {document.name}: {answer['translated']} expectations of Great Expectations; {left} without equivalent."
    )
    notes = [f"{one['place']} {one['expectation']}: {one['why']} {one['fix']}" for one in answer["remarks"]]
    _hand_over(session, answer, suite_text(checks, [""] * len(checks), notes, title=title), out, left=left)


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


def _hand_over(session: Session, answer: Any, text: str, out: Path | None, *, left: int) -> None:
    """The suite to its file, or to the screen as it would be in it."""
    if session.as_json:
        session.show(answer, lambda _: sentence(text))
    elif out is None:
        typer.echo(text, nl=False)  # as it is: a folded line would be another suite
    if out is None:
        return
    write_suite(text, out)
    session.note(f"Wrote {len(answer['suite']['checks'])} checks to {out}; {left} left out, see its end.")


def _draw_set(name: str, answer: dict[str, Any]) -> RenderableType:
    return facts({"dataset": name, "suite": answer.get("version"), "checks": len(answer["checks"])})


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
