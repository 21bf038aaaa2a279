"""`millrace data push|get|status`: a folder and a version are made alike, or compared.

People type these all day and scripts run them in loops, so they start without the rest of the program (`cli.__main__`).
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.progress import DownloadColumn, TransferSpeedColumn

from cli.client import ClientError, Status
from cli.completion import DATASET_VERSIONS, DATASETS
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, number, size, stack, table
from cli.transfer.get import Checkout
from cli.transfer.push import push as transfer
from cli.transfer.tree import Memory, files_under

noun = Noun("Datasets and their versions.")

NameArgument = Annotated[str, typer.Argument(help="Name of the dataset.", autocompletion=DATASETS)]
RefArgument = Annotated[
    str,
    typer.Argument(
        help="A dataset, or one version of it as NAME@n; the newest if absent.", autocompletion=DATASET_VERSIONS
    ),
]
LEAKAGE = "Steps learned on these very rows: do not judge a model here that should not know them (fit_on: NAME@n)."


@noun.command("push")
def push(
    session: Session,
    path: Annotated[Path, typer.Argument(exists=True, help="A table (csv, parquet, jsonl) or a folder.")],
    name: NameArgument,
    message: Annotated[str, typer.Option("-m", "--message", help="What is new in it.")] = "",
    wait: WaitOption = False,
) -> None:
    """Upload a file or a folder as the next version. The same content is the same version."""
    files = files_under(path)
    if not files:
        raise ClientError(f"{path} has no files in it.", status=Status.USAGE)
    session.ensure("datasets", name)
    with session.progress(DownloadColumn(), TransferSpeedColumn()) as progress:
        task = progress.add_task("sending", total=sum(file.size for file in files))
        pushed = transfer(
            session.client,
            name,
            files,
            message=message,
            memory=Memory(path),
            on_read=lambda count: progress.advance(task, count),
        )
    version = pushed.version
    session.note(f"Sent {size(pushed.sent)} of {size(sum(file.size for file in files))}; the server had the rest.")
    if wait:
        session.settle(f"datasets/{name}/versions/{version['number']}")
        version = session.client.get("datasets", name, "versions", version["number"])
    session.show(version, draw_version)


@noun.command("get")
def get(
    session: Session,
    ref: RefArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path(),
    exact: Annotated[bool, typer.Option("--exact", help="Remove the files that are not in the version.")] = False,
) -> None:
    """Bring a folder to a version: only the files that differ are fetched."""
    name, number_ = version_of(session, ref)
    checkout = Checkout(session.client, name, number_, out)
    wanted = checkout.wanted()
    with session.progress(DownloadColumn(), TransferSpeedColumn()) as progress:
        task = progress.add_task("receiving", total=sum(file["size"] for file in wanted))
        checkout.fetch(wanted, lambda count: progress.advance(task, count))
    removed = checkout.others() if exact else []
    for other in removed:
        Path(other.path).unlink()
    checkout.remember()
    answer = {"dataset": name, "number": number_, "files": len(checkout.files), "written": len(wanted)}
    session.show(answer | {"removed": len(removed)}, facts)


@noun.command("status")
def status(
    session: Session,
    path: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder.")],
    ref: RefArgument,
) -> None:
    """How a folder differs from a version; exit status 1 when it does."""
    name, number_ = version_of(session, ref)
    checkout = Checkout(session.client, name, number_, path)
    rows = [{"file": file["path"], "is": "missing or changed"} for file in checkout.wanted()]
    rows += [{"file": file.name, "is": "not in the version"} for file in checkout.others()]
    session.show(rows, lambda rows: table(rows, {"file": "file", "is": "is"}, empty=f"As in {name}@{number_}."))
    if rows:
        raise typer.Exit(Status.REFUSED)


def version_of(session: Session, ref: str) -> tuple[str, int]:
    """Name and number of `NAME@n`, or of the newest version of `NAME`."""
    name, mark, number_ = ref.partition("@")
    if mark and not number_.isdigit():
        raise ClientError(f"{ref!r} does not name a version.", fix=f"Write {name}@1, or {name}.", status=Status.USAGE)
    if mark:
        return name, int(number_)
    # One number for all that follows: a version may arrive between two requests.
    return name, session.client.get("datasets", name, "versions", "latest")["number"]


def draw_version(version: dict[str, Any]) -> RenderableType:
    columns = {
        "column": "name",
        "type": "type",
        "nulls": "nulls",
        "distinct": "distinct",
        "min": "minimum",
        "median": lambda row: number((row.get("quantiles") or {}).get("0.5")),
        "max": "maximum",
        "mean": "mean",
    }
    profile = version.get("profile")
    source = version.get("source") or {}
    learned = source.get("fitted") or []
    return stack(
        facts(
            {
                "version": f"{version['dataset']}@{version['number']}",
                "state": version["state"],
                "because": version["reasons"],
                "digest": version["digest"],
                "size": size(version["size"]),
                "files": version["files"],
                "rows": version.get("rows"),
                "message": version["message"],
                "made from": _origin(source),
                "learned": [f"{step['place']} {step['step']} on {', '.join(step['learned_on'])}" for step in learned],
                "warning": LEAKAGE if source.get("leakage") else None,
                "created": f"{at('created_at')(version)} by {version['created_by']}",
            }
        ),
        table(profile["columns"], columns) if profile else None,
    )


def _origin(source: dict[str, Any]) -> list[str] | str | None:
    """The versions, or the endpoint, that the rows are from; nothing for an upload."""
    joined = [step["version"] for step in source.get("steps", []) if step["step"] == "join"]
    return [*source.get("concat", []), *joined] or source.get("version") or source.get("endpoint")
