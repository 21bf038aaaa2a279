"""`millrace login`, `logout` and `servers …`: which servers a person uses, and the token for each."""

import os
import sys
from typing import Annotated

import typer

from cli.client import Client, ClientError, Status, is_local
from cli.logins import Login, Logins, normal
from cli.session import HomeOption, JsonOption, Screen, find_server, reported
from cli.tables import facts, table

verbs = typer.Typer()
servers = typer.Typer(help="Servers you are logged in to.", no_args_is_help=True)


def _known_servers(typed: str) -> list[str]:
    try:
        return [one.url for one in Logins().all() if one.url.startswith(typed)]
    except ClientError:
        return []


ServerArgument = Annotated[
    str,
    typer.Argument(metavar="SERVER", help="Address of the server, or host:port of one.", autocompletion=_known_servers),
]


@verbs.command("login")
def login(
    *,
    server: Annotated[
        str | None,
        typer.Argument(metavar="[URL]", envvar="MILLRACE_URL", help="Address of the server; absent, the current one."),
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input instead of asking for it.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Log in to a server: later commands go there, with the token that is asked for now, until `millrace logout`.

    The token is checked, and kept in your configuration folder for this server alone, readable by you only.
    """
    with reported(as_json=as_json):
        logins = Logins()
        address = normal(find_server(server, None, home, logins)[0])
        screen = Screen(as_json=as_json)
        if address.startswith("http:") and not is_local(address):
            screen.note("The token travels unencrypted to this server: use https where others may listen.")
        secret = _checked(sys.stdin.readline()) if token_stdin else _asked(address)
        with Client(address, secret) as client:
            who = client.get("whoami")
        logins.keep(Login(address, secret, who["name"], who["role"]))
        screen.show({"server": address, "name": who["name"], "role": who["role"]}, facts)
        if before := [name for name in ("MILLRACE_URL", "MILLRACE_TOKEN", "MILLRACE_HOME") if os.environ.get(name)]:
            screen.note(f"What is set in the environment goes before this login: {', '.join(before)}.")


@verbs.command("logout")
def logout(
    server: Annotated[
        str | None, typer.Argument(metavar="[SERVER]", help="The current one if absent.", autocompletion=_known_servers)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget the token for a server. The token stays good there: `millrace tokens revoke` ends it."""
    with reported(as_json=as_json):
        logins = Logins()
        named = server or logins.current
        if every:
            gone = [one.url for one in logins.all()]
        elif named is None:
            fix = "Name one: `millrace servers list` shows them."
            raise ClientError("You are logged in to no current server.", fix=fix, status=Status.NOT_FOUND)
        else:
            gone = [logins.known(named)]
        logins.forget(gone)
        Screen(as_json=as_json).show({"forgotten": gone}, facts)


@servers.command("list")
def list_servers(as_json: JsonOption = False) -> None:
    """The servers you are logged in to, and which one commands go to."""
    with reported(as_json=as_json):
        logins = Logins()
        current = logins.current
        rows = [
            {"server": one.url, "as": one.name, "role": one.role, "current": one.url == current} for one in logins.all()
        ]
        columns = {name: name for name in ("server", "as", "role", "current")}
        Screen(as_json=as_json).show(rows, lambda rows: table(rows, columns, empty="None: `millrace login URL`."))


@servers.command("use")
def use(server: ServerArgument, as_json: JsonOption = False) -> None:
    """Make another server the one that commands go to."""
    with reported(as_json=as_json):
        logins = Logins()
        logins.use(server)
        Screen(as_json=as_json).show({"current": logins.current}, facts)


def _asked(address: str) -> str:
    if not sys.stdin.isatty():
        fix = "Give it on standard input with --token-stdin."
        raise ClientError("There is no terminal to ask for the token on.", fix=fix, status=Status.USAGE)
    return _checked(typer.prompt(f"Token for {address}", hide_input=True, err=True))


def _checked(text: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or any(sign.isspace() or not sign.isprintable() for sign in token):
        raise ClientError("That is no token: it is one word of plain letters and signs.", status=Status.USAGE)
    return token
