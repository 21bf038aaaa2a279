"""Whose request is computed now, who waits in line and who is sent away: one `Gate` per endpoint. The router's."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Message

from domain.deployments.specs import EndpointSettings
from serving.errors import BadHeader, DeadlineExceeded, Disconnected, TooBusy
from serving.requests import Headers, until_gone


class Gate:
    """The requests of one endpoint: so many under way, so many in line behind them, first come first served.

    Touched on the event loop alone, hence without a lock; a request that finds a free place pays for two counters.
    Whoever came in has to `leave`.
    """

    __slots__ = ("_limit", "_line", "under_way", "used_at")

    def __init__(self) -> None:
        self.under_way = 0
        self.used_at = 0.0
        self._limit = 0
        self._line: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def idle(self) -> bool:
        return not self.under_way and not self._line

    async def enter(
        self, settings: EndpointSettings, deadline: float, receive: Callable[[], Awaitable[Message]]
    ) -> None:
        """Comes in, at once or when it is this request's turn.

        Raises TooBusy when the line is full, DeadlineExceeded when the turn does not come in time, and Disconnected
        when the client has gone away meanwhile.
        """
        self._limit = settings.max_concurrency
        self._call_in()  # the limit may have been raised
        if self.under_way < self._limit and not self._line:
            self.under_way += 1
            return
        if len(self._line) >= settings.max_waiting:
            raise TooBusy(
                f"{self.under_way} requests are under way here and {len(self._line)} wait.", fix="Try again later."
            )
        turn = asyncio.get_running_loop().create_future()
        self._line[turn] = None
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait((turn, gone), timeout=deadline - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._give_up(turn)
            raise
        finally:
            gone.cancel()
        if gone.done():
            self._give_up(turn)
            raise Disconnected
        if not turn.done():
            self._give_up(turn)
            raise too_late()

    def take(self, settings: EndpointSettings, now: float) -> bool:
        """Comes in if that is possible at once; else `enter` is to be awaited."""
        self.used_at = now
        if self._line or self.under_way >= settings.max_concurrency:
            return False
        self.under_way += 1
        return True

    def leave(self) -> None:
        """Ends what came in, and lets the next one in."""
        self.under_way -= 1
        if self._line:
            self._call_in()

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done():
            self.leave()
        else:
            del self._line[turn]

    def _call_in(self) -> None:
        while self._line and self.under_way < self._limit:
            turn, _ = self._line.popitem(last=False)
            self.under_way += 1
            turn.set_result(None)


class Place:
    """One that was taken at a gate, left when the request has been answered and every thread for it has ended."""

    __slots__ = ("_gate", "_holders")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._holders = 1

    def keep_until(self, work: asyncio.Future[Any]) -> None:
        """Beyond the answer, until `work` is done, which nobody may be waiting for any more."""
        self._holders += 1
        work.add_done_callback(self._ended)

    def leave(self) -> None:
        self._holders -= 1
        if not self._holders:
            self._gate.leave()

    def _ended(self, work: asyncio.Future[Any]) -> None:
        self.leave()
        if not work.cancelled():
            work.exception()  # has been looked at


def deadline_seconds(settings: EndpointSettings, headers: Headers) -> float:
    """How long a request may take from its last byte: as the endpoint says, or less if the caller asks for less."""
    asked = headers.get(b"x-request-timeout-ms")
    if not asked:
        return settings.deadline_ms / 1000
    if not asked.isdecimal() or not asked.strip("0"):
        raise BadHeader(
            f"{asked[:40]!r} is no number of milliseconds.", where="X-Request-Timeout-Ms", fix="Send a whole number."
        )
    return (min(int(asked), settings.deadline_ms) if len(asked) < 10 else settings.deadline_ms) / 1000


def refuse_late(deadline: float) -> None:
    """Raises DeadlineExceeded once it is past."""
    if time.monotonic() > deadline:
        raise too_late()


def too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        "The answer was not there in time.", fix="Send fewer rows per request, or try again when there is less to do."
    )
