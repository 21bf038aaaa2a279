"""`Session`: what a client command works with. `Noun`: the Typer app that hands it one and reports its errors."""

import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from cli.client import ANSWER_SECONDS, Client, ClientError, Status, is_local
from cli.home import DEFAULT_HOME, Home

DEFAULT_URL = "http://127.0.0.1:8000"
PANEL = "Connection"
POLL_SECONDS = 0.5
PIPE_WIDTH = 240
ENDED = {"succeeded", "failed", "cancelled"}

UrlOption = Annotated[
    str | None,
    typer.Option("--url", envvar="MILLRACE_URL", help="Server; found in the home if absent.", rich_help_panel=PANEL),
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="MILLRACE_TOKEN", help="Found in the home if absent.", rich_help_panel=PANEL),
]
HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="MILLRACE_HOME", help="Home of a server on this machine.", rich_help_panel=PANEL),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the raw JSON.", rich_help_panel=PANEL)]
WaitOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end; exit status 1 if it fails.")]
Command = Callable[..., None]
KEYWORD = inspect.Parameter.KEYWORD_ONLY

OPTIONS = {
    "url": (UrlOption, None),
    "token": (TokenOption, None),
    "home": (HomeOption, DEFAULT_HOME),
    "as_json": (JsonOption, False),
}


class Session:
    """A client and a screen. Answers go to standard output, everything else to standard error."""

    def __init__(self, client: Client, *, as_json: bool) -> None:
        self.client = client
        self.as_json = as_json
        # What a program reads (`| grep`) is not folded to the width of a screen that is not there.
        self.screen = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
        self.margin = Console(stderr=True)

    def show(self, answer: Any, view: Callable[[Any], RenderableType]) -> None:
        """Print what the server said: as it is with `--json`, else as `view` draws it."""
        if self.as_json:
            typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        else:
            self.screen.print(view(answer))

    def note(self, sentence: str) -> None:
        """Something to know beside the answer."""
        self.margin.print(sentence, markup=False, highlight=False)

    @contextmanager
    def progress(self, *columns: ProgressColumn) -> Iterator[Progress]:
        """A bar on the margin; nothing at all where that is not a terminal."""
        shown = [TextColumn("{task.description}", markup=False), BarColumn(), *columns, TimeElapsedColumn()]
        with Progress(*shown, console=self.margin, transient=True, disable=not self.margin.is_terminal) as progress:
            yield progress

    def wait(self, job_id: str) -> dict[str, Any]:
        """Follow a job to its end. Raises ClientError unless it succeeded."""
        with self.progress() as progress:
            task = progress.add_task("queued", total=1.0)
            while True:
                job: dict[str, Any] = self.client.get("jobs", job_id)
                progress.update(task, completed=job["progress"], description=job["message"] or job["state"])
                if job["state"] in ENDED:
                    break
                time.sleep(POLL_SECONDS)
        if job["state"] != "succeeded":
            error = job["error"] or {}
            reason = error.get("message") or job["message"] or "no reason given"
            message = f"Job {job_id} ({job['kind']}) {job['state']}: {reason}"
            raise ClientError(message, where=error.get("where"), fix=error.get("fix"))
        return job

    def ask(self, *path: str | int, **query: str | float | list[str] | None) -> Any:
        """A GET whose answer may have to be computed first: the server then answers with the job that does it."""
        answer = self.client.get(*path, **query)
        if {"kind", "progress"} <= answer.keys():
            self.wait(answer["id"])
            answer = self.client.get(*path, **query)
        return answer

    def ensure(self, noun: str, name: str) -> None:
        """Make `noun/name` if it is not there: before the work that needs it, so that a refusal comes first."""
        try:
            self.client.get(noun, name)
        except ClientError as error:
            if error.status != Status.NOT_FOUND:
                raise
            self.client.post(noun, body={"name": name})
            self.note(f"Made {noun}/{name}.")

    def settle(self, subject: str) -> None:
        """Wait until no job about the subject waits or runs. Raises ClientError when one fails."""
        while active := [job for job in self._jobs(subject) if job["state"] not in ENDED]:
            self.wait(active[-1]["id"])

    def _jobs(self, subject: str) -> list[dict[str, Any]]:
        return self.client.items("jobs", limit=100, subject=subject)


class Noun:
    """Commands that take a `Session` first; the options of the connection are added to each of them."""

    def __init__(self, about: str | None = None) -> None:
        self.app = typer.Typer(help=about, no_args_is_help=True)

    def command(self, name: str, *, panel: str | None = None) -> Callable[[Command], Command]:
        """Register `function(session, …)` under the name."""

        def register(function: Command) -> Command:
            self.app.command(name, rich_help_panel=panel)(_with_session(function))
            return function

        return register


def _with_session(function: Command) -> Command:
    """`function` with the options of the connection in place of its first parameter; Typer reads the signature."""

    @wraps(function)
    def run(*, url: str | None, token: str | None, home: Path, as_json: bool, **arguments: Any) -> None:
        try:
            with open_client(url, token, Home(home)) as client:
                function(Session(client, as_json=as_json), **arguments)
        except ClientError as error:
            report(error)
            raise typer.Exit(error.status) from error

    signature = inspect.signature(function)
    own = [parameter.replace(kind=KEYWORD) for parameter in list(signature.parameters.values())[1:]]
    added = [
        inspect.Parameter(name, KEYWORD, annotation=annotation, default=default)
        for name, (annotation, default) in OPTIONS.items()
    ]
    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]  # what inspect reads
    return run


def open_client(url: str | None, token: str | None, home: Home, *, seconds: float = ANSWER_SECONDS) -> Client:
    """A client for the given server, or for the one that runs on this machine with this home.

    The home's token opens servers of this machine; another one that was named never gets to see it.
    """
    address = url or home.address() or DEFAULT_URL
    return Client(address, token or (home.token() if is_local(address) else None), seconds=seconds)


def report(error: ClientError) -> None:
    where = f" ({error.where})" if error.where else ""
    typer.echo(f"Error: {error.message}{where}", err=True)
    if error.fix:
        typer.echo(f"  {error.fix}", err=True)
