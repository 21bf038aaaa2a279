"""Threads that load packages: a few at a time, and one that hangs holds up nobody but those who want its package."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

_STOP_SECONDS = 5.0
_Task = tuple[Callable[[], None], Callable[[], None], Future[None]]


class Loaders:
    """Does what is submitted, in that order, `count` at a time. Whoever takes longer than `seconds` is replaced.

    A thread cannot be stopped: one that was replaced ends when its work does, if ever, and does not keep the process.
    """

    def __init__(self, *, seconds: float, count: int = 4) -> None:
        self.seconds = seconds
        self._count = count
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._busy: dict[threading.Thread, tuple[Callable[[], None], float]] = {}

    def submit(self, work: Callable[[], None], *, late: Callable[[], None]) -> Future[None]:
        """`late` is called, again and again, while the work takes too long."""
        future: Future[None] = Future()
        self._tasks.put((work, late, future))
        with self._lock:
            if len(self._threads) < self._count:
                self._hire()
        return future

    def look(self) -> None:
        """Tells who is late, and gives the others a thread in its stead. To be called now and again."""
        now = time.monotonic()
        with self._lock:
            overdue = {thread: late for thread, (late, since) in self._busy.items() if now - since > self.seconds}
            for thread in overdue:
                if thread in self._threads:
                    self._threads.remove(thread)
                    self._hire()
        for late in overdue.values():
            late()

    def stop(self) -> None:
        """Drops what has not begun, and gives what has a moment to end."""
        with suppress(queue.Empty):
            while True:
                task = self._tasks.get_nowait()
                if task is not None:
                    task[2].cancel()
        with self._lock:
            threads, self._threads = self._threads, set()
        for _ in threads:
            self._tasks.put(None)
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _hire(self) -> None:
        thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _run(self) -> None:
        this = threading.current_thread()
        while (task := self._tasks.get()) is not None:
            work, late, future = task
            with self._lock:
                self._busy[this] = (late, time.monotonic())
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - it is told to whoever waits
                future.set_exception(error)
            else:
                future.set_result(None)
            with self._lock:
                del self._busy[this]
                replaced = this not in self._threads
            if replaced:
                return
