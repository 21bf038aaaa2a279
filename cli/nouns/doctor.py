"""`millrace doctor`: what is wrong, why, and what mends it."""

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.client import Client, ClientError, Status, is_local
from cli.doctor.finding import Finding
from cli.doctor.machine import (
    extras_for,
    look_at_dashboard,
    look_at_embedded,
    look_at_home,
    look_at_logins,
    look_at_packages,
    look_at_port,
    look_at_python,
)
from cli.doctor.server import look_at_server
from cli.doctor.services import look_at_services
from cli.home import DEFAULT_HOME, Home
from cli.logins import Logins
from cli.session import HomeOption, JsonOption, Screen, TokenOption, UrlOption, find_server, reported
from cli.tables import stack

verbs = typer.Typer()

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "broken": ("✗", "red")}
PLAIN_MARKS = {"ok": "ok", "warn": "!", "broken": "x"}
ANSWER_SECONDS = 10.0
WAYS_TO_A_SERVER = "millrace up, or millrace login URL"


@verbs.command("doctor")
def doctor(
    url: UrlOption = None, token: TokenOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Look at this installation and its server: what is wrong, why, and the command that mends it.

    Changes nothing. Exit status 1 when something is broken; what is only unusual (!) does not count.
    """
    with reported(as_json=as_json):
        screen = Screen(as_json=as_json)
        found = list(_look(screen, url, token, home))
        screen.show([asdict(one) for one in found], _draw)
        if any(one.state == "broken" for one in found):
            raise typer.Exit(Status.REFUSED)


def _look(screen: Screen, url: str | None, token: str | None, home: Path | None) -> Iterator[Finding]:
    place, logins = Home(home or DEFAULT_HOME), Logins()
    settings = {name: value for name, value in os.environ.items() if name.startswith("MILLRACE_") and value}
    yield from look_at_python()
    yield from look_at_logins(logins)
    try:
        address, secret = find_server(url, token, home, logins)
        client = Client(address, secret, seconds=ANSWER_SECONDS)
    except ClientError as error:
        yield Finding("server", "address", "broken", error.message, fix=error.fix or "")
        return
    here = is_local(address)
    yield from look_at_packages(extras_for(settings) if here else set())
    if here:
        running = place.running()
        yield from look_at_dashboard(
            Path(settings["MILLRACE_DASHBOARD_DIR"]) if "MILLRACE_DASHBOARD_DIR" in settings else None
        )
        yield from look_at_embedded(settings)
        of_home = list(look_at_home(place))
        yield from of_home
        usable = not any(one.part == "home" and one.state == "broken" for one in of_home)
        with screen.progress() as progress:
            progress.add_task("looking at the services", total=None)
            yield from look_at_services(place.path, settings, running=running, usable=usable)
        if not running and place.address() is None and url is None:
            yield from _nobody(address)
            return
    named = _named(url, home, place, logins, address)
    try:
        with client:
            yield from look_at_server(client, named=named)
    except ClientError as error:
        yield Finding("server", "server", "broken", error.message, f"It was named by {named}.", WAYS_TO_A_SERVER)


def _nobody(address: str) -> Iterator[Finding]:
    """No server was named, and none runs on the home: could one?"""
    taken = list(look_at_port(address))
    yield from taken
    if not taken:
        why = "Nothing names another."
        yield Finding("server", "server", "warn", "No server runs here.", why, WAYS_TO_A_SERVER)


def _named(url: str | None, home: Path | None, place: Home, logins: Logins, address: str) -> str:
    if url:
        return "MILLRACE_URL" if os.environ.get("MILLRACE_URL") == url else "--url"
    if not home and logins.current == address:
        return "millrace login"
    if place.address():
        left = "" if place.running() else ", left there by a `millrace up` that was killed"
        return f"{place.address_file}{left}"
    return "default"


def _draw(found: list[dict[str, Any]]) -> RenderableType:
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    drawn = Table.grid(padding=(0, 1))
    drawn.add_column()
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    group = None
    for one in found:
        if one["group"] != group:
            group = one["group"]
            drawn.add_row("", Text(f"\n{group}" if drawn.row_count else group, style="bold"), "")
        mark, colour = MARKS[one["state"]]
        said = Text(one["what"])
        if one["why"]:
            said.append(f"\n{one['why']}", style="dim")
        if one["fix"]:
            said.append(f"\n→ {one['fix']}" if not plain else f"\n-> {one['fix']}", style=colour)
        drawn.add_row(Text(PLAIN_MARKS[one["state"]] if plain else mark, style=colour), one["part"], said)
    broken = sum(one["state"] == "broken" for one in found)
    odd = sum(one["state"] == "warn" for one in found)
    sentence = f"\n{broken} broken, {odd} to look at." if broken or odd else "\nAll is well."
    return stack(drawn, Text(sentence, style="bold red" if broken else "bold"))
