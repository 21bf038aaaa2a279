"""Where the output of supervised processes goes: to the screen with a coloured prefix, and to one file each."""

import os
import sys
from collections.abc import Callable
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock
from typing import TextIO

NAME_WIDTH = 8
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
BYTES_PER_FILE = 10 * 2**20
FILES_KEPT = 3


class Journal:
    """Lines by name. Called from one thread per process."""

    def __init__(self, folder: Path, screen: TextIO = sys.stdout) -> None:
        self._folder = folder
        self._screen: TextIO | None = screen
        self._coloured = screen.isatty() and not os.environ.get("NO_COLOR")
        self._colours: dict[str, int] = {}
        self._lock = Lock()

    def say(self, line: str) -> None:
        """A line of the supervisor itself."""
        self._show("millrace", line)

    def channel(self, name: str, *, keep: bool) -> Callable[[str], None]:
        """The function that takes the lines of one process; with `keep` they also go to `NAME.log` (rotated)."""
        if not keep:
            return lambda line: self._show(name, line)
        file = RotatingFileHandler(
            self._folder / f"{name}.log", maxBytes=BYTES_PER_FILE, backupCount=FILES_KEPT, encoding="utf-8", delay=True
        )

        def write(line: str) -> None:
            file.handle(LogRecord(name, 0, "", 0, line, None, None))
            self._show(name, line)

        return write

    def _show(self, name: str, line: str) -> None:
        with self._lock:
            prefix = f"{name:<{NAME_WIDTH}} |"
            if self._coloured:
                colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
                prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
            if self._screen is None:
                return
            try:
                print(prefix, line, file=self._screen, flush=True)
            except (OSError, ValueError):
                # The reader of our output went away (`millrace up | head`): the processes go on, the files have it all.
                self._screen = None
