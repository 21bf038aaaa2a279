"""`HashBeside`: the MD5 of bytes as they arrive, of large contents in another thread than the one that cuts and writes.

MD5 is slower than all else that is done to a byte here, and one content's cannot be shared out; but nothing waits for
it before the content ends.
"""

from collections import deque
from concurrent.futures import Executor
from hashlib import md5
from threading import Condition

GROUP = 2**20
"""Bytes that are handed over at once. What comes to less is hashed where it is: a change of threads costs more."""
BEHIND = 32
"""Groups by which the hash may be behind; then the caller waits for it."""


class HashBeside:
    """Takes bytes from one thread. They are hashed in order, by whichever thread of the pool is free."""

    __slots__ = ("_at_work", "_hash", "_pool", "_size", "_turn", "_waiting", "_young")

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._hash = md5(usedforsecurity=False)
        self._young: list[bytes] = []
        self._size = 0
        self._waiting: deque[list[bytes]] = deque()
        self._turn = Condition()
        self._at_work = False

    def update(self, data: bytes) -> None:
        self._young.append(data)
        self._size += len(data)
        if self._size < GROUP:
            return
        with self._turn:
            self._turn.wait_for(lambda: len(self._waiting) < BEHIND)
            self._waiting.append(self._young)
            if not self._at_work:
                self._at_work = True
                self._pool.submit(self._work)
        self._young, self._size = [], 0

    def hexdigest(self) -> str:
        """Of all that has come."""
        with self._turn:
            self._turn.wait_for(lambda: not self._at_work)
        for data in self._young:
            self._hash.update(data)
        self._young, self._size = [], 0
        return self._hash.hexdigest()

    def _work(self) -> None:
        while True:
            with self._turn:
                if not self._waiting:
                    self._at_work = False
                    self._turn.notify()
                    return
                group = self._waiting.popleft()
                self._turn.notify()
            for data in group:
                self._hash.update(data)
