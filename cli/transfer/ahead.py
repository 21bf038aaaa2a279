"""Work done ahead of who asks for it: while one piece is being sent, the next ones are read, cut and looked up."""

import threading
from collections.abc import Iterator
from queue import Queue
from typing import TypeVar

T = TypeVar("T")

WAITING = 256
"""Pieces that may be ready and not yet asked for."""


def ahead(pieces: Iterator[T]) -> Iterator[T]:
    """The same pieces, made in a thread of their own; its error comes where the piece would have."""
    ready: Queue[tuple[T] | BaseException | None] = Queue(WAITING)
    given_up = threading.Event()

    def make() -> None:
        last: BaseException | None = None
        try:
            for piece in pieces:
                if given_up.is_set():
                    return
                ready.put((piece,))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            last = error
        ready.put(last)

    threading.Thread(target=make, name="ahead", daemon=True).start()
    try:
        while isinstance(got := ready.get(), tuple):
            yield got[0]
        if got is not None:
            raise got
    finally:
        given_up.set()
        while not ready.empty():  # so that it is not stuck at a full queue
            ready.get_nowait()
