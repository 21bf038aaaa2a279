"""`Stage`: how a chapter speaks, waits, and compares what it told with what happened."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.client import Client, ClientError
from cli.code import code_commit
from cli.documents import read_document
from cli.session import PIPE_WIDTH, Session
from cli.transfer.push import push
from cli.transfer.tree import files_under

Found = TypeVar("Found")
POLL_SECONDS = 0.3
PATIENCE_SECONDS = 90.0
INDENT = 3


class StoryDiffers(Exception):
    """Something did not turn out as told."""


class Stage:
    """One client, one screen, the folder with the example's documents, and one for the files that are sent."""

    def __init__(self, client: Client, screen: Console, *, example: Path, scratch: Path) -> None:
        self.client = client
        self.screen = screen
        self.session = Session(client, as_json=False)
        self._example = example
        self._scratch = scratch
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the curtain rose."""
        return time.monotonic() - self._started

    def chapter(self, number: int, title: str) -> None:
        self.screen.print()
        self.screen.rule(
            Text.assemble((f" {number} ", "bold reverse"), f" {title} ", (f"{self.seconds:.0f} s ", "dim")),
            align="left",
        )

    def say(self, sentence: str) -> None:
        self.show(Text(sentence))

    def show(self, what: RenderableType) -> None:
        self.screen.print(Padding(what, (0, 0, 0, INDENT)))

    def expect(self, told: str, *, holds: bool) -> None:
        """Say whether it is as told. Raises StoryDiffers when it is not: what follows rests on it."""
        mark, style = ("✓", "green") if holds else ("✗", "bold red")
        self.show(Text.assemble((f"{mark} ", style), told))
        if not holds:
            raise StoryDiffers(told)

    def document(self, name: str) -> Any:
        return read_document(self._example / name).value

    def code_commit(self) -> str | None:
        return code_commit(self._example)

    def push(self, dataset: str, name: str, write: Callable[[Path], Path], message: str) -> dict[str, Any]:
        """Send a file that `write` makes as the next version, and wait for its checks."""
        files = files_under(write(self._scratch / name))
        version = push(self.client, dataset, files, message=message).version
        subject = f"datasets/{dataset}/versions/{version['number']}"
        self.session.settle(subject)
        found: dict[str, Any] = self.get(subject)
        return found

    def get(self, subject: str) -> Any:
        """What is at the path of a subject."""
        return self.client.get(*subject.split("/"))

    def finished(self, job: dict[str, Any]) -> Any:
        """What a job was about, once it has succeeded."""
        self.session.wait(job["id"])
        return self.get(job["subject"])

    def refused(self, attempt: Callable[[], object]) -> ClientError:
        """The refusal of something that must not go through."""
        try:
            attempt()
        except ClientError as error:
            return error
        raise StoryDiffers("It was not refused.")

    def until(self, what: str, look: Callable[[], Found | None]) -> Found:
        """Look until there is something to see. Raises StoryDiffers when patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.waiting(what):
            while (found := look()) is None:
                if time.monotonic() > deadline:
                    raise StoryDiffers(f"After {PATIENCE_SECONDS:.0f} s there was still no sign of {what}.")
                time.sleep(POLL_SECONDS)
        return found

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """A spinner with a line that may change; nothing where nobody looks."""
        with self.screen.status(what) as status:
            yield status.update


def screen() -> Console:
    """Standard output; not folded to the width of a terminal where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=min(PIPE_WIDTH, 140))
