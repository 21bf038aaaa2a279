"""`millrace repos …`: Git repositories whose pointers become versions."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.completion import names
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, sentence, stack, table, when

noun = Noun("Git repositories that are followed.")

NameArgument = Annotated[str, typer.Argument(help="Name of the repository.", autocompletion=names("repositories"))]
BranchOption = Annotated[
    list[str] | None, typer.Option("--branch", "-b", help="Branch to follow, or a pattern; the default one if absent.")
]
PointerOption = Annotated[
    list[str] | None, typer.Option("--pointer", "-p", help="PATH.dvc=DATASET: the dataset a pointer belongs to.")
]


@noun.command("add")
def add(
    session: Session,
    name: NameArgument,
    address: Annotated[str, typer.Argument(help="https, ssh, or a path of the server's machine that it may read.")],
    branch: BranchOption = None,
    pointer: PointerOption = None,
) -> None:
    """Follow a repository, and show the secret for its webhook: this once."""
    body = {"name": name, "address": address, "branches": branch or [], "pointers": _mapping(pointer)}
    answer = session.client.post("repositories", body=body)
    session.show(answer, lambda made: stack(_draw(made), facts({"secret": made["secret"]})))
    session.note(f"Webhook: {session.client.url}/hooks/git/github (or …/gitlab), with the secret above.")


@noun.command("set")
def set_(session: Session, name: NameArgument, branch: BranchOption = None, pointer: PointerOption = None) -> None:
    """Follow other branches, or map pointers elsewhere. What is given takes the place of what was there."""
    body = {"branches": branch, "pointers": None if pointer is None else _mapping(pointer)}
    given = {key: value for key, value in body.items() if value is not None}
    session.show(session.client.patch("repositories", name, body=given), _draw)


@noun.command("list")
def list_repositories(
    session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50
) -> None:
    """All repositories."""
    columns = {
        "name": "name",
        "address": "address",
        "follows": lambda row: row["branches"] or [row["default_branch"] or "its default branch"],
        "waiting": "waiting",
        "synced": at("synced_at"),
        "error": "error",
    }
    session.show(session.client.items("repositories", limit=limit), lambda rows: table(rows, columns))


@noun.command("show")
def show(session: Session, name: NameArgument) -> None:
    """One repository: how far it was read, what came of it, what waits for a push, and the code seen last."""
    repository = session.client.get("repositories", name)
    waiting = session.client.items("repositories", name, "waiting", limit=20)
    commits = session.client.items("repositories", name, "commits", limit=10)
    session.show({**repository, "waiting_pointers": waiting, "commits": commits}, _draw_whole)


@noun.command("sync")
def sync(
    session: Session,
    name: NameArgument,
    rescan: Annotated[bool, typer.Option(help="Look at every pointer again.")] = False,
    wait: WaitOption = False,
) -> None:
    """Look now what moved."""
    job = session.client.post("repositories", name, "sync", body={"rescan": rescan})
    if wait:
        job = session.wait(job["id"])
    session.show(job, lambda job: facts({"job": job["id"], "state": job["state"], **(job["result"] or {})}))


@noun.command("secret")
def secret(session: Session, name: NameArgument) -> None:
    """Make another secret for the webhook. The old one is good no longer."""
    session.show(session.client.post("repositories", name, "secret"), facts)


@noun.command("remove")
def remove(session: Session, name: NameArgument) -> None:
    """Follow a repository no longer. The versions that came from it stay."""
    session.client.delete("repositories", name)
    session.show({"removed": name}, lambda _: sentence(f"{name} is followed no longer."))


def _mapping(pointers: list[str] | None) -> dict[str, str]:
    found = {}
    for pair in pointers or []:
        path, mark, dataset = pair.partition("=")
        if not (path and mark and dataset):
            raise ClientError(f"{pair!r} maps no pointer.", fix="Write data/train.csv.dvc=train.", status=Status.USAGE)
        found[path] = dataset
    return found


def _draw(repository: dict[str, Any]) -> RenderableType:
    report = repository["report"] or {}
    problems = [f"{one['path']} at {one['commit'][:12]}: {one['message']}" for one in report.get("problems", [])]
    return facts(
        {
            "name": repository["name"],
            "address": repository["address"],
            "follows": repository["branches"] or repository["default_branch"] or "its default branch",
            "pointers": repository["pointers"],
            "synced": when(repository["synced_at"]),
            "error": repository["error"],
            "belongs to no dataset": report.get("unmapped"),
            "problems": problems,
            "notes": report.get("notes"),
            "waiting": repository["waiting"],
        }
    )


def _draw_whole(repository: dict[str, Any]) -> RenderableType:
    short = {"commit": lambda row: row["commit"][:12]}
    branches = {"branch": "name", **short, "read": at("read_at"), "gone": at("gone_at")}
    waiting = {"waits": "path", "dataset": "dataset", **short, "missing": "missing_count", "since": at("since")}
    code = {"code": "branch", **short, "files": "changed", "message": lambda row: row["message"].partition("\n")[0]}
    return stack(
        _draw(repository),
        table(repository["read"], branches),
        table(repository["waiting_pointers"], waiting) if repository["waiting_pointers"] else None,
        table(repository["commits"], code) if repository["commits"] else None,
    )
