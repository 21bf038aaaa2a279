"""`millrace data …`: upload, list, look at, download and compare dataset versions."""

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
LimitOption = Annotated[int, typer.Option(min=1, help="At most so many.")]


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


@noun.command("list")
def list_datasets(session: Session, limit: LimitOption = 50) -> None:
    """All datasets, the newest first."""
    columns = {"name": "name", "versions": "versions", "description": "description", "created": at("created_at")}
    session.show(session.client.items("datasets", limit=limit), lambda rows: table(rows, columns))


@noun.command("log")
def log(session: Session, name: NameArgument, limit: LimitOption = 50) -> None:
    """The versions of a dataset, the newest first."""
    columns = {
        "n": "number",
        "state": "state",
        "rows": "rows",
        "size": lambda row: size(row.get("size")),
        "files": "files",
        "message": "message",
        "by": "created_by",
        "at": at("created_at"),
    }
    rows = session.client.items("datasets", name, "versions", limit=limit)
    session.show(rows, lambda rows: table(rows, columns, empty="No versions yet."))


@noun.command("show")
def show(session: Session, ref: RefArgument) -> None:
    """One version: its state, its columns and their profile."""
    name, number_ = version_of(session, ref)
    version = session.client.get("datasets", name, "versions", number_)
    profile = session.client.get("datasets", name, "versions", number_, "profile") if version.get("rows") else None
    session.show(version | {"profile": profile}, draw_version)


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


@noun.command("pointer")
def pointer(
    session: Session,
    ref: RefArgument,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; printed if absent.")] = None,
) -> None:
    """The `.dvc` file of a version, for a Git repository whose DVC remote is this dataset's."""
    name, number_ = version_of(session, ref)
    text = b"".join(session.client.download("datasets", name, "versions", number_, "pointer"))
    if out is None:
        session.document(text.decode())
        return
    try:
        out.write_bytes(text)
    except OSError as error:
        raise ClientError(f"{out} cannot be written: {error.strerror}.", status=Status.USAGE) from error
    session.wrote(out, f": {name}@{number_}. `dvc pull {out}` brings its bytes.")


@noun.command("register")
def register(
    session: Session,
    name: NameArgument,
    pointer_file: Annotated[
        Path, typer.Argument(metavar="POINTER", exists=True, dir_okay=False, help="A `.dvc` file, after `dvc push`.")
    ],
    message: Annotated[str, typer.Option("-m", "--message", help="What is new in it.")] = "",
    wait: WaitOption = False,
) -> None:
    """Make what a `.dvc` file points to the next version. Its bytes must have been pushed with `dvc push`."""
    try:
        text = pointer_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(f"{pointer_file} cannot be read as text: {error}.", status=Status.USAGE) from error
    source = {"kind": "dvc", "pointer": text}
    version = session.client.post("datasets", name, "versions", body={"source": source, "message": message})
    if wait:
        session.settle(f"datasets/{name}/versions/{version['number']}")
        version = session.client.get("datasets", name, "versions", version["number"])
    session.show(version, draw_version)


@noun.command("diff")
def diff(
    session: Session,
    name: NameArgument,
    before: Annotated[int, typer.Argument(help="Number of a version.")],
    after: Annotated[int, typer.Argument(help="Number of the version to compare with it.")],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="A column that names a row, so that a row can have changed. Repeat it for several."),
    ] = None,
) -> None:
    """What changed from one version to another: rows, columns, and how far each column moved."""
    change = session.ask("datasets", name, "versions", after, "diff", against=before, key=key or None)
    session.show(change, _draw_diff)


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


def _draw_diff(change: dict[str, Any]) -> RenderableType:
    columns = {
        "column": "name",
        "psi": "psi",
        "js": "js",
        "mean before": "mean_before",
        "mean after": "mean_after",
        "nulls before": "nulls_before",
        "nulls after": "nulls_after",
    }
    return stack(
        facts(
            {
                "rows": f"{change['rows_before']:,} to {change['rows_after']:,}",
                "by": change["key"],
                "added": change["rows_added"],
                "removed": change["rows_removed"],
                "changed": change["rows_changed"] if change["key"] else None,
                "changed in": change["changes"],
                "new columns": change["columns_added"],
                "lost columns": change["columns_removed"],
                "other type": [f"{name}: {a} to {b}" for name, (a, b) in change["columns_retyped"].items()],
            }
        ),
        _draw_changed(change["changed"]),
        *(table(change[kind], {kind: lambda row: row}) for kind in ("added", "removed") if change[kind]),
        table(change["shifts"], columns),
    )


def _draw_changed(rows: list[dict[str, Any]]) -> RenderableType | None:
    """One line per changed value."""
    cells = [
        {"row": row["key"], "column": name, "before": row["before"][name], "after": row["after"][name]}
        for row in rows
        for name in row["after"]
    ]
    return table(cells, {name: name for name in cells[0]}) if cells else None
