"""`millrace env`: what other programs have to be told to speak to this server, for a shell to take."""

import json
import re
import shlex
from collections.abc import Callable
from typing import Annotated, Final, Literal
from urllib.parse import quote

import typer

from cli.client import ClientError, Status
from cli.session import Noun, Session

verbs = Noun()

Shell = Literal["sh", "fish"]
_DATASET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REMOTE: Final = "millrace"


@verbs.command("env")
def env(
    session: Session,
    dvc: Annotated[
        str | None, typer.Option("--dvc", help="Instead, the commands that make a DVC remote of this dataset.")
    ] = None,
    shell: Annotated[Shell, typer.Option(help="Who reads it; sh is bash and zsh too.")] = "sh",
) -> None:
    """Variables for MLflow's client and the SDKs: `eval "$(millrace env)"`. They hold your token."""
    client = session.client
    if client.token is None:
        raise ClientError(
            "There is no token to pass on.", fix="Give one with --token or MILLRACE_TOKEN.", status=Status.NOT_PERMITTED
        )
    who = client.get("whoami")  # a wrong token is told now, and not by a notebook later
    if dvc is not None:
        commands = _dvc_commands(client.url, client.token, dvc)
        told = f"The remote of {dvc}, in the clone you stand in. The password stays out of Git."
        lines = [shlex.join(command) if shell == "sh" else " ".join(map(_for_fish, command)) for command in commands]
        _print(session, {"commands": commands}, told, lines)
        return
    variables = {
        "MILLRACE_URL": client.url,
        "MILLRACE_TOKEN": client.token,
        "MLFLOW_TRACKING_URI": f"{client.url}/mlflow",
        "MLFLOW_TRACKING_TOKEN": client.token,
    }
    one_line = _EXPORT[shell]
    told = f"{client.url}, as {who['name']} ({who['role']}). Not for a terminal that others see: it holds the token."
    _print(session, variables, told, [one_line(name, value) for name, value in variables.items()])


def _print(session: Session, answer: object, told: str, lines: list[str]) -> None:
    if session.as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    # A name that somebody chose ends no comment: it has no line breaks after this.
    typer.echo("# " + " ".join(told.split()))
    for line in lines:
        typer.echo(line)


def _dvc_commands(url: str, token: str, dataset: str) -> list[list[str]]:
    if not _DATASET.fullmatch(dataset):
        raise ClientError(
            f"{dataset!r} is not the name of a dataset.", where="--dvc", fix="Without @version.", status=Status.USAGE
        )
    settings = {"auth": "basic", "user": "millrace", "password": token}
    return [
        ["dvc", "remote", "add", "--force", "--default", _REMOTE, f"{url}/dvc/{quote(dataset, safe='')}"],
        *(["dvc", "remote", "modify", "--local", _REMOTE, name, value] for name, value in settings.items()),
    ]


def _for_fish(value: str) -> str:
    """In its single quotes, unlike in those of sh, a backslash means something."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


_EXPORT: Final[dict[Shell, Callable[[str, str], str]]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {_for_fish(value)}",
}
