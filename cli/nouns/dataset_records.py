"""What of `millrace data …` is about what is written down of a dataset: files, lineage, description; and its end."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.nouns.transfers import NameArgument, RefArgument, noun, version_of
from cli.session import Session
from cli.tables import facts, size, stack, table


@noun.command("files")
def files(session: Session, ref: RefArgument) -> None:
    """The files of a version, with their digests."""
    name, number = version_of(session, ref)
    columns = {"path": "path", "size": lambda row: size(row["size"]), "md5": "md5"}
    found = session.client.get("datasets", name, "versions", number, "files")["items"]
    session.show(found, lambda rows: table(rows, columns))


@noun.command("lineage")
def lineage(session: Session, ref: RefArgument) -> None:
    """What a version was made from, what was made from it, and what uses it."""
    name, number = version_of(session, ref)
    session.show(session.client.get("datasets", name, "versions", number, "lineage"), _draw_lineage)


@noun.command("describe")
def describe(
    session: Session, name: NameArgument, description: Annotated[str, typer.Argument(help="What is in it.")]
) -> None:
    """Write what a dataset is."""
    session.show(session.client.patch("datasets", name, body={"description": description}), facts)


@noun.command("archive")
def archive(session: Session, name: NameArgument) -> None:
    """Take a dataset that nothing uses out of the lists. Its versions stay as long as something needs them."""
    session.show(session.client.delete("datasets", name), facts)


def _draw_lineage(found: dict[str, Any]) -> RenderableType:
    version = found["version"]
    links = [{"is": "made from", "what": _named(one)} for one in found["parents"]]
    links += [{"is": "made into", "what": _named(one)} for one in found["children"]]
    links += [{"is": "used by", "what": f"{use['noun']} {use['id']}"} for use in found["uses"]]
    return stack(
        facts({"version": _named(version), "state": version["state"], "digest": version["digest"]}),
        table(links, {"is": "is", "what": "what"}, empty="Nothing else is known to hang on it."),
    )


def _named(version: dict[str, Any]) -> str:
    return f"{version['dataset']}@{version['number']}"
