"""`Program`: how the whole of `millrace` begins and ends, whatever the command."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from cli.client import ClientError, Status, is_local
from cli.session import report

EPILOG = (
    "Exit status: 0 done · 1 refused, or a job that was waited for failed · 2 wrong usage or an unreadable file · "
    "3 no server answers · 4 no such thing · 5 no token, or one without the needed role · 130 interrupted."
)


class Program(TyperGroup):
    """Mistakes in the command line are told as JSON where `--json` was asked for, like any other problem."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        stay_printable()
        given = list(options.get("args") or (arguments[0] if arguments else None) or sys.argv[1:])
        if "--json" not in given or not options.get("standalone_mode", True):
            return super().main(*arguments, **options)
        try:
            status = super().main(*arguments, **{**options, "standalone_mode": False})
        except TyperException as error:
            report(ClientError(error.format_message(), status=Status.USAGE), as_json=True)
            sys.exit(Status.USAGE)
        except typer.Abort:
            sys.exit(1)
        sys.exit(status if isinstance(status, int) else 0)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415  # takes longer to import than most commands take

        typer.echo(f"millrace {version('millrace')}")
        raise typer.Exit


def _begin(
    *,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    # Before any option looks for its variable.
    read_settings()


def new_program() -> typer.Typer:
    """The program without any command yet."""
    app = typer.Typer(
        cls=Program,
        help="Version data, train, check, promote, serve, watch, retrain.",
        epilog=EPILOG,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_show_locals=False,
    )
    app.callback()(_begin)
    return app


def stay_printable() -> None:
    """A terminal that does not know a sign gets a stand-in for it, and the command goes on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def read_settings() -> None:
    """Take what a `.env` file here says; what the environment has already, wins.

    A token of the environment is never sent to a server that only the file names: folders come from other people.
    """
    if not Path(".env").is_file():
        return
    from dotenv import dotenv_values  # noqa: PLC0415  # most folders have no such file

    said = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    url, token = said.get("MILLRACE_URL", ""), os.environ.get("MILLRACE_TOKEN")
    if url and not is_local(url) and token and not os.environ.get("MILLRACE_URL"):
        error = ClientError(
            f"The token is from the environment, and .env would send it to {url}.",
            fix="Set MILLRACE_URL in the environment too, or unset MILLRACE_TOKEN.",
            status=Status.USAGE,
        )
        report(error)
        raise typer.Exit(error.status)
    for name, value in said.items():
        os.environ.setdefault(name, value)
