"""What is made ahead comes in order, its error where it belongs, and nobody is left waiting."""

import threading
import time
from collections.abc import Iterator

import pytest

from cli.transfer.ahead import WAITING, ahead


def test_pieces_come_in_their_order() -> None:
    assert list(ahead(iter(range(3 * WAITING)))) == list(range(3 * WAITING))


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("torn")

    found: list[int] = []
    with pytest.raises(ValueError, match="torn"):  # noqa: PT012 - what came before it counts
        for piece in ahead(broken()):
            found.append(piece)  # noqa: PERF402 - extend would keep nothing
    assert found == [1]


def test_who_goes_away_leaves_no_thread_behind() -> None:
    pieces = ahead(iter(range(10 * WAITING)))
    assert next(pieces) == 0
    time.sleep(0.05)  # it fills what may be ready, and waits
    pieces.close()  # type: ignore[attr-defined]  # a generator has it
    deadline = time.monotonic() + 5
    while any(thread.name == "ahead" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
