"""Progress bars in terminals and notebooks; nothing where neither is looking."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

_TEXT = TextColumn("{task.description}", markup=False)


@contextmanager
def bytes_bar(what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar of so many bytes; what it gives is called with each count of more of them."""
    with _bar(_TEXT, BarColumn(), DownloadColumn(), TransferSpeedColumn(), shown=shown) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def job_bar(what: str, *, shown: bool) -> Iterator[Callable[[float, str], None]]:
    """A bar of a job; what it gives is called with its progress, from 0 to 1, and its message."""
    with _bar(_TEXT, BarColumn(), TimeElapsedColumn(), shown=shown) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda done, message: bar.update(task, completed=done, description=message or what)


def _bar(
    *columns: TextColumn | BarColumn | DownloadColumn | TransferSpeedColumn | TimeElapsedColumn, shown: bool
) -> Progress:
    console = Console(stderr=True)
    return Progress(
        *columns, console=console, transient=True, disable=not shown or not (console.is_terminal or console.is_jupyter)
    )
