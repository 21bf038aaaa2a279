"""`HashBeside`: the MD5 of bytes as they arrive, of large contents in another thread than the one that cuts and writes.

MD5 is slower than all else that is done to a byte here, and one content's cannot be shared out; but nothing waits for
it before the content ends.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import md5
from threading import Condition

GROUP = 2**20
"""Bytes that are handed over at once. What comes to less is hashed where it is: a change of threads costs more."""
BEHIND = 32
"""Groups by which the hash may be behind; then the caller waits for it."""


class HashBeside:
    """Takes bytes from one thread. They are hashed in order, by whichever thread of the pool is free."""

    __slots__ = ("_hash", "_line", "_pool", "_size", "_young")

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._hash = md5(usedforsecurity=False)
        self._young: list[bytes] = []
        self._size = 0
        self._line: _Line | None = None  # most contents are too small to need one

    def update(self, data: bytes) -> None:
        self._young.append(data)
        self._size += len(data)
        if self._size >= GROUP:
            self._line = self._line or _Line(self._pool, self._hash.update)
            self._line.put(self._young)
            self._young, self._size = [], 0

    def hexdigest(self) -> str:
        """Of all that has come."""
        if self._line is not None:
            self._line.wait()
        for data in self._young:
            self._hash.update(data)
        self._young, self._size = [], 0
        return self._hash.hexdigest()


class _Line:
    """Groups of bytes that wait for the hash, which one thread of the pool at a time brings up to date."""

    def __init__(self, pool: Executor, take: Callable[[bytes], None]) -> None:
        self._pool = pool
        self._take = take
        self._waiting: deque[list[bytes]] = deque()
        self._turn = Condition()
        self._at_work = False

    def put(self, group: list[bytes]) -> None:
        with self._turn:
            self._turn.wait_for(lambda: len(self._waiting) < BEHIND)
            self._waiting.append(group)
            if not self._at_work:
                self._at_work = True
                self._pool.submit(self._work)

    def wait(self) -> None:
        """Until all of them are hashed."""
        with self._turn:
            self._turn.wait_for(lambda: not self._at_work)

    def _work(self) -> None:
        while True:
            with self._turn:
                if not self._waiting:
                    self._at_work = False
                    self._turn.notify()
                    return
                group = self._waiting.popleft()
                self._turn.notify()
            self._take(b"".join(group))  # by one call: each gives the interpreter away and waits for it
