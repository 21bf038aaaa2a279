"""`Session`: what a client command works with. `Noun`: the Typer app that hands it one and reports its errors."""

import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.client import ANSWER_SECONDS, Client, ClientError, Status, is_local
from cli.home import DEFAULT_HOME, Home
from cli.logins import Logins

if TYPE_CHECKING:  # where it draws, it is imported: that takes as long as a look at thousands of files
    from rich.console import Console, RenderableType
    from rich.progress import Progress, ProgressColumn

DEFAULT_URL = "http://127.0.0.1:8000"
PANEL = "Connection"
POLL_SECONDS = 0.5
# So long a server may be away while something of it is waited for.
AWAY_SECONDS = 60.0
PIPE_WIDTH = 240
ENDED = {"succeeded", "failed", "cancelled"}

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="MILLRACE_URL",
        help="Server; absent, that of `millrace login`, else of the home.",
        rich_help_panel=PANEL,
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="MILLRACE_TOKEN",
        help="Absent, that of `millrace login`, else of the home.",
        rich_help_panel=PANEL,
    ),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="MILLRACE_HOME",
        help="Home of a server on this machine; .millrace if absent.",
        rich_help_panel=PANEL,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON: the answer, or the problem on stderr.", rich_help_panel=PANEL)
]
WaitOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end; exit status 1 if it fails.")]
Command = Callable[..., None]
View = Callable[[Any], "RenderableType"]
KEYWORD = inspect.Parameter.KEYWORD_ONLY

OPTIONS = {
    "url": (UrlOption, None),
    "token": (TokenOption, None),
    "home": (HomeOption, None),
    "as_json": (JsonOption, False),
}


class Screen:
    """Answers go to standard output, everything else to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @cached_property
    def screen(self) -> "Console":
        from rich.console import Console  # noqa: PLC0415  # see TYPE_CHECKING above

        # What a program reads (`| grep`) is not folded to the width of a screen that is not there.
        return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)

    @cached_property
    def margin(self) -> "Console":
        from rich.console import Console  # noqa: PLC0415  # see TYPE_CHECKING above

        return Console(stderr=True)

    def show(self, answer: Any, view: View) -> None:
        """Print what the server said: as it is with `--json`, else as `view` draws it; a sentence is as it is."""
        if self.as_json:
            typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        elif isinstance(drawn := view(answer), str):
            typer.echo(drawn)
        else:
            self.screen.print(drawn)

    def show_next(self, answer: Any, view: View) -> None:
        """Print one of many that arrive one by one: with `--json` each is a line (NDJSON)."""
        if self.as_json:
            typer.echo(json.dumps(answer, ensure_ascii=False))
        else:
            self.screen.print(view(answer))

    def document(self, text: str) -> None:
        """Print a text as it is, to be piped into a file: with `--json` it is in `text`."""
        if self.as_json:
            typer.echo(json.dumps({"text": text}, ensure_ascii=False))
        else:
            typer.echo(text, nl=not text.endswith("\n"))

    def wrote(self, path: Path, more: str = "") -> None:
        """Say that a file was written."""
        if self.as_json:
            typer.echo(json.dumps({"written": str(path)}, ensure_ascii=False))
        else:
            self.note(f"Wrote {path}{more or '.'}")

    def note(self, sentence: str) -> None:
        """Something to know beside the answer. A program (`--json`) is told problems there, and nothing else."""
        if not self.as_json:
            typer.echo(sentence, err=True)

    @contextmanager
    def progress(self, *columns: "ProgressColumn") -> Iterator["Progress"]:
        """A bar on the margin; nothing at all where that is not a terminal."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  # see TYPE_CHECKING above

        shown = [TextColumn("{task.description}", markup=False), BarColumn(), *columns, TimeElapsedColumn()]
        with Progress(*shown, console=self.margin, transient=True, disable=not self.margin.is_terminal) as progress:
            yield progress

    @contextmanager
    def counting(self, what: str, size: int) -> Iterator[Callable[[int], None]]:
        """A bar of so many bytes, and what to tell it of each bite."""
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import DownloadColumn, TransferSpeedColumn  # noqa: PLC0415  # see TYPE_CHECKING above

        with self.progress(DownloadColumn(), TransferSpeedColumn()) as progress:
            task = progress.add_task(what, total=size)
            yield lambda count: progress.advance(task, count)


class Session(Screen):
    """A screen, and the client of a server."""

    def __init__(self, client: Client, *, as_json: bool) -> None:
        super().__init__(as_json=as_json)
        self.client = client

    def wait(self, job_id: str) -> dict[str, Any]:
        """Follow a job to its end. Raises ClientError unless it succeeded."""
        with self.progress() as progress:
            task = progress.add_task("queued", total=1.0)
            while True:
                job: dict[str, Any] = self.patiently("jobs", job_id)
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

    def patiently(self, *path: str | int) -> Any:
        """A GET that waits for a server which restarts meanwhile."""
        deadline = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return self.client.get(*path)
            except ClientError as error:
                if not error.passing or time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

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
    def run(*, url: str | None, token: str | None, home: Path | None, as_json: bool, **arguments: Any) -> None:
        with reported(as_json=as_json), open_client(url, token, home) as client:
            function(Session(client, as_json=as_json), **arguments)

    signature = inspect.signature(function)
    own = [parameter.replace(kind=KEYWORD) for parameter in list(signature.parameters.values())[1:]]
    added = [
        inspect.Parameter(name, KEYWORD, annotation=annotation, default=default)
        for name, (annotation, default) in OPTIONS.items()
    ]
    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]  # what inspect reads
    return run


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """Say what went wrong, and end with its exit status."""
    try:
        yield
    except ClientError as error:
        report(error, as_json=as_json)
        raise typer.Exit(error.status) from error


def open_client(
    url: str | None,
    token: str | None,
    home: Path | None,
    *,
    logins: Logins | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Client:
    """A client for the server that is meant, with the token that is for it (see `find_server`)."""
    return Client(*find_server(url, token, home, logins or Logins()), seconds=seconds)


def find_server(url: str | None, token: str | None, home: Path | None, logins: Logins) -> tuple[str, str | None]:
    """Address and token by what was named (an option, the environment), else by login, else by the home in this folder.

    A login's token goes to the server it was given for, and a home's to servers of this machine: another server that
    was named never gets to see either.
    """
    place = Home(home or DEFAULT_HOME)
    address = url or (None if home else logins.current) or place.address() or DEFAULT_URL
    of_home = place.token() if is_local(address) else None
    return address, token or (of_home if home else None) or logins.token(address) or of_home


def report(error: ClientError, *, as_json: bool = False) -> None:
    """A problem on standard error: as a sentence and the next step, or as one line of JSON."""
    if as_json:
        said = {"code": error.code, "detail": error.message, "where": error.where, "fix": error.fix}
        told = {name: value for name, value in said.items() if value is not None}
        typer.echo(json.dumps(told | {"exit_status": int(error.status)}, ensure_ascii=False), err=True)
        return
    where = f" ({error.where})" if error.where else ""
    typer.echo(f"Error: {error.message}{where}", err=True)
    if error.fix:
        typer.echo(f"  {error.fix}", err=True)
