"""`millrace data push|get|status`: a folder and a version are made alike, or compared.

People type these all day and scripts run them in loops, so they start without the rest of the program (`cli.__main__`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.client import ClientError, Status
from cli.completion import DATASET_VERSIONS, DATASETS
from cli.session import Noun, Session, WaitOption
from cli.transfer.get import Checkout
from cli.transfer.listing import Version
from cli.transfer.tree import Memory, files_under

if TYPE_CHECKING:  # as in `cli.session`
    from rich.console import RenderableType

noun = Noun("Datasets and their versions.")

NameArgument = Annotated[str, typer.Argument(help="Name of the dataset.", autocompletion=DATASETS)]
RefArgument = Annotated[
    str,
    typer.Argument(
        help="A dataset, or one version of it as NAME@n; the newest if absent.", autocompletion=DATASET_VERSIONS
    ),
]


@noun.command("push")
def push(
    session: Session,
    path: Annotated[Path, typer.Argument(exists=True, help="A table (csv, parquet, jsonl) or a folder.")],
    name: NameArgument,
    message: Annotated[str, typer.Option("-m", "--message", help="What is new in it.")] = "",
    wait: WaitOption = False,
) -> None:
    """Upload a file or a folder as the next version. The same content is the same version."""
    from cli.transfer.push import push as transfer  # noqa: PLC0415  # it cuts and hashes, which the others need not load

    files = files_under(path)
    if not files:
        raise ClientError(f"{path} has no files in it.", status=Status.USAGE)
    session.ensure("datasets", name)
    whole = sum(file.size for file in files)
    with session.counting("sending", whole) as on_read:
        pushed = transfer(session.client, name, files, message=message, memory=Memory(path), on_read=on_read)
    from cli.versions import draw_version, tell_sent  # noqa: PLC0415  # it draws: as in `cli.session`

    version = pushed.version
    session.note(tell_sent(pushed.sent, whole))
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
    version = _read_version(session, *_named(ref))
    checkout = Checkout(session.client, version, out)
    wanted = checkout.wanted()
    with session.counting("receiving", sum(file["size"] for file in wanted)) as on_bytes:
        checkout.fetch(wanted, on_bytes)
    removed = checkout.others() if exact else []
    for other in removed:
        Path(other.path).unlink()
    checkout.remember()
    answer = {name: version[name] for name in ("dataset", "number")} | {"files": len(checkout.files)}
    session.show(answer | {"written": len(wanted), "removed": len(removed)}, _say_what_was_done)


@noun.command("status")
def status(
    session: Session,
    path: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder.")],
    ref: RefArgument,
) -> None:
    """How a folder differs from a version; exit status 1 when it does."""
    version = _read_version(session, *_named(ref))
    checkout = Checkout(session.client, version, path)
    rows = [{"file": file["path"], "is": "missing or changed"} for file in checkout.wanted()]
    rows += [{"file": file.name, "is": "not in the version"} for file in checkout.others()]
    session.show(rows, lambda rows: _draw_differences(rows) if rows else _say_same(version))
    if rows:
        raise typer.Exit(Status.REFUSED)


def version_of(session: Session, ref: str) -> tuple[str, int]:
    """Name and number of `NAME@n`, or of the newest version of `NAME`."""
    name, number_ = _named(ref)
    # One number for all that follows: a version may arrive between two requests.
    return name, _read_version(session, name, None)["number"] if number_ is None else number_


def _named(ref: str) -> tuple[str, int | None]:
    name, mark, number_ = ref.partition("@")
    if mark and not number_.isdigit():
        raise ClientError(f"{ref!r} does not name a version.", fix=f"Write {name}@1, or {name}.", status=Status.USAGE)
    return name, int(number_) if mark else None


def _read_version(session: Session, name: str, number_: int | None) -> Version:
    version: Version = session.client.get("datasets", name, "versions", "latest" if number_ is None else number_)
    return version


def _say_same(version: Version) -> str:
    return f"As in {version['dataset']}@{version['number']}."


def _say_what_was_done(got: dict[str, Any]) -> str:
    done = f"{got['written']:,} written, {got['removed']:,} removed"
    return f"{got['dataset']}@{got['number']} has {got['files']:,} files: {done}."


def _draw_differences(rows: list[dict[str, str]]) -> "RenderableType":
    from cli.tables import table  # noqa: PLC0415  # it draws: as in `cli.session`

    return table(rows, {"file": "file", "is": "is"})
