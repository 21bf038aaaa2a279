"""`millrace demo`: a system of its own, the story on it, and an exit status that says whether it turned out as told."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from cli import processes
from cli.client import Client, ClientError, Status
from cli.demo.chapters import CHAPTERS, Tale
from cli.demo.rides import read_rides
from cli.demo.stage import Stage, StoryDiffers, screen
from cli.home import Home, HomeError
from cli.supervisor import answers

EXAMPLE = processes.ROOT / "examples" / "bikes"
DEMO_HOME = Path(".millrace-demo")
MARK = "this-is-a-millrace-demo"
READY_SECONDS = 120.0
STOP_SECONDS = 60.0

demo = typer.Typer()


class NotStarted(Exception):
    """The system did not come up; the message ends with its last words."""


@demo.command("demo", rich_help_panel="Run")
def tell(
    home: Annotated[Path, typer.Option(help="Directory of the demo's state; wiped at the start.")] = Path(
        ".millrace-demo"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    leave: Annotated[bool, typer.Option("--exit", help="Stop the system when the story is over.")] = False,
) -> None:
    """Tell the story of a drifting model on real data, on a fresh system, which is left running.

    Exit status 1 if any step did not turn out as told.
    """
    console = screen()
    place = Home(home.absolute())
    try:
        rides = read_rides(EXAMPLE / "hour.csv")
        _wipe(place)
        with _system(place, port) as system:
            as_told = _tell(console, place, processes.local_url(processes.LOOPBACK, port), system, Tale(rides))
            if not leave:
                _stay(console, place, port, system)
    except FileNotFoundError as error:
        _fail(f"{error.filename} is not there: the demo runs from a clone of the repository.")
    except (HomeError, NotStarted) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped.")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if as_told else Status.REFUSED)


def _tell(console: Console, place: Home, address: str, system: subprocess.Popen[bytes], tale: Tale) -> bool:
    """The chapters in their order, up to the first that differs. Whether none did."""
    with console.status("starting the database, the broker, MLflow, the API and the workers"):
        started = time.monotonic()
        _wait_until_ready(place, address, system)
    console.print(
        f"Millrace runs at {address}, started in {time.monotonic() - started:.0f} s. Its home is {place.path}."
    )
    with Client(address, place.token()) as client:
        stage = Stage(client, console, example=EXAMPLE, scratch=place.path / "story")
        try:
            for chapter in CHAPTERS:
                chapter(stage, tale)
        except StoryDiffers as difference:
            console.print(f"\n[bold red]Not as told:[/] {difference}", highlight=False)
            return False
        except ClientError as error:
            console.print(f"\n[bold red]Not as told:[/] {error.message} {error.fix or ''}", highlight=False)
            return False
        console.print(f"\n[bold green]Everything turned out as told[/], in {stage.seconds:.0f} s.", highlight=False)
        return True


def _stay(console: Console, place: Home, port: int, system: subprocess.Popen[bytes]) -> None:
    """Leave the system to the person until Ctrl-C."""
    address = processes.local_url(processes.LOOPBACK, port)
    console.print(f"\nThe system keeps running: open [bold]{address}[/] with the token in {place.token_file}, or try")
    console.print(f"  millrace status --home {place.path}\n  millrace events --home {place.path}", highlight=False)
    console.print("Ctrl-C stops it.")
    try:
        system.wait()
    except KeyboardInterrupt:
        console.print("\nStopping.")


@contextmanager
def _system(place: Home, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`millrace up` on the home, with settings of its own; stopped at the end, however that comes."""
    argv = [sys.executable, "-P", "-m", "cli.main", "up", "--home", str(place.path), "--port", str(port)]
    log = os.open(_log(place), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # the first start prints the token
    try:
        system = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=place.path,
            env=processes.environment(_without_settings(os.environ)),
            start_new_session=True,
        )
    finally:
        os.close(log)
    with _terminated_like_interrupted():
        try:
            yield system
        finally:
            system.terminate()
            try:
                system.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                system.kill()


def _wait_until_ready(place: Home, address: str, system: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (place.token() and answers(f"{address}/readyz")):
        if system.poll() is not None or time.monotonic() > deadline:
            last = "\n".join(_log(place).read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise NotStarted(f"The system did not come up:\n{last}")
        time.sleep(0.2)


def _wipe(place: Home) -> None:
    """Make the home empty. Raises HomeError for a directory that holds anything but a demo that is not running."""
    marked = (place.path / MARK).exists()
    if place.path.exists() and any(place.path.iterdir()) and not marked:
        raise HomeError(f"{place.path} is not the home of a demo. Choose a new one with --home.")
    if marked:
        os.close(place.lock("a demo that is about to start"))
        shutil.rmtree(place.path)
    place.prepare()
    (place.path / MARK).touch()
    (place.path / "story").mkdir(exist_ok=True)


def _without_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """A demo must not reach the database or the store of a real installation."""
    return {name: value for name, value in variables.items() if not name.startswith("MILLRACE_")}


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log(place: Home) -> Path:
    return place.path / "up.log"


def _fail(message: str) -> None:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(Status.REFUSED)
