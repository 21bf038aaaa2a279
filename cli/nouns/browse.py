"""`millrace open`: the page of a thing in the dashboard."""

import os
import sys
import webbrowser
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import quote

import typer

from cli.client import ClientError, Status
from cli.completion import pages
from cli.session import Noun, Session
from cli.tables import sentence

verbs = Noun()

PAGES = {"loop": "/", "events": "/events", "lineage": "/lineage", "settings": "/settings"}
BESIDE_THE_DASHBOARD = {"mlflow": "/mlflow/", "docs": "/docs"}
WITHOUT_VERSIONS = ("runs", "endpoints", "pipelines", "jobs")
WITH_VERSIONS = ("datasets", "models")


@verbs.command("open")
def open_page(
    session: Session,
    page: Annotated[
        str,
        typer.Argument(
            help="loop, datasets, datasets/NAME, NAME@3, runs/ID, models/NAME@3, endpoints/NAME, mlflow, docs, …",
            autocompletion=pages,
        ),
    ] = "loop",
    only_print: Annotated[bool, typer.Option("--print", help="Print its address, and open nothing.")] = False,
) -> None:
    """Open a page of the dashboard in the browser. Its address is printed."""
    address = session.client.url + path_of(page)
    opened = not only_print and has_browser() and webbrowser.open(address)
    session.show({"url": address, "opened": opened}, lambda answer: sentence(answer["url"]))
    if not opened and not only_print:
        session.note("There is no browser here: open that address in yours.")


def path_of(page: str) -> str:
    """Where the dashboard has `datasets/NAME@3` and the like. Raises ClientError for what has no page."""
    noun, *rest = page.strip("/").split("/")
    fixed = {**PAGES, **BESIDE_THE_DASHBOARD}
    if noun in fixed and not rest:
        return fixed[noun]
    if noun not in WITH_VERSIONS and noun not in WITHOUT_VERSIONS:
        known = [*fixed, *WITH_VERSIONS, *WITHOUT_VERSIONS]
        near = get_close_matches(noun, known, n=1)
        fix = f"Did you mean {'/'.join([near[0], *rest])!r}?" if near else f"One of {', '.join(known)}."
        raise ClientError(f"There is no page {page!r}.", fix=fix, status=Status.USAGE)
    if noun in WITH_VERSIONS and len(rest) == 1 and "@" in rest[0]:
        name, _, number = rest[0].partition("@")
        rest = [name, "versions", number]
    return "/" + "/".join([noun, *(quote(one, safe="") for one in rest)])


def has_browser() -> bool:
    """Whether there is a screen for one; a browser of text would take the terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
