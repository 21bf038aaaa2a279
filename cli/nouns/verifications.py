"""`millrace data verify`: have the store read through; what is damaged is named, and the exit status says so."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.completion import DATASET_VERSIONS
from cli.nouns.transfers import noun, version_of
from cli.session import Session
from cli.tables import facts, size, stack, table, when

SHOWN = 200


@noun.command("verify")
def verify(
    session: Session,
    ref: Annotated[
        str | None,
        typer.Argument(help="A dataset, or one version of it as NAME@n.", autocompletion=DATASET_VERSIONS),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole store; so, too, without a name.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Put every file together and compare its MD5 as well.")] = False,
) -> None:
    """Read what is stored and hash it again. Exit status 1 when something is damaged."""
    if ref and everything:
        raise ClientError("A name and --all say two things.", fix="Leave one out.", status=Status.USAGE)
    body: dict[str, Any] = {"deep": deep}
    if ref:
        name, mark, _ = ref.partition("@")
        body |= {"dataset": name, "number": version_of(session, ref)[1] if mark else None}
    job = session.client.post("verifications", body=body)
    session.wait(job["id"])
    read = session.client.get(*job["subject"].split("/"))
    findings = session.client.items(*job["subject"].split("/"), "findings", limit=SHOWN)
    session.show({**read, "items": findings}, _draw)
    if read["state"] == "damaged":
        raise typer.Exit(Status.REFUSED)


def _draw(read: dict[str, Any]) -> RenderableType:
    columns = {
        "damage": "kind",
        "what": "detail",
        "chunks": lambda row: len(row["chunks"]) or None,
        "affects": lambda row: ", ".join(row["affected"]) or None,
    }
    return stack(
        facts(
            {
                "verified": read["scope"] or "the whole store",
                "state": read["state"],
                "packs": f"{read['packs']:,} ({size(read['bytes'])} read)",
                "chunks": f"{read['chunks']:,}",
                "contents": f"{read['contents']:,}{' put together' if read['deep'] else ''}",
                "ended": when(read["ended_at"]),
            }
        ),
        table(read["items"], columns, empty="Nothing is damaged."),
    )
