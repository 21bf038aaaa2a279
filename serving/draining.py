"""How a serving process leaves without losing a request: it says so, goes on for a moment, and ends."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


@contextmanager
def draining_first(begin: Callable[[], None], *, seconds: float) -> Iterator[None]:
    """While inside, a SIGTERM calls `begin`, and reaches whoever handles it (uvicorn) only `seconds` later.

    Load balancers need that long to see that the process is not ready any more. A second SIGTERM passes at once, and
    so does Ctrl-C. Outside the main thread, or where nobody handles the signal, nothing changes.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    loop = asyncio.get_running_loop()
    began = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal began
        if began:
            handler(number, frame)
            return
        began = True
        begin()
        log.info("draining: not ready any more, and gone in %g s", seconds)
        loop.call_soon_threadsafe(loop.call_later, seconds, handler, number, None)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
