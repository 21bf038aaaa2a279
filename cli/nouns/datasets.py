"""`millrace data …`: list, look at, point to and compare dataset versions; `transfers` has those that move bytes."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.nouns.transfers import NameArgument, RefArgument, noun, version_of
from cli.session import Session, WaitOption
from cli.tables import at, facts, size, stack, table
from cli.versions import draw_version

LimitOption = Annotated[int, typer.Option(min=1, help="At most so many.")]


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
