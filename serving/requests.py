"""What comes in over HTTP: the headers that matter and the body, within its bounds. Read by the router."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from starlette.types import Message, Scope

from serving.errors import BadEncoding, BodyTooLarge, BodyTooSlow, Disconnected, WrongEncoding

_Receive = Callable[[], Awaitable[Message]]
# So much is decoded before others get their turn on the event loop: about a millisecond.
_PIECE = 2**18

Result = TypeVar("Result")


class Headers:
    """The few headers that matter here, by lower-case name."""

    __slots__ = ("_raw",)

    def __init__(self, scope: Scope) -> None:
        self._raw: dict[bytes, bytes] = dict(scope["headers"])

    def get(self, name: bytes) -> str:
        value = self._raw.get(name)
        return "" if value is None else value.decode("latin-1")


class Bodies:
    """Reads bodies of at most `limit` bytes, as sent and as decoded, that arrive within `seconds`.

    A timer for each would cost a small request a twentieth of its time; one looks after all of them.
    """

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any] | None, float] = {}
        self._overdue: set[asyncio.Task[Any] | None] = set()
        self._looking = False

    async def read(self, receive: _Receive, headers: Headers) -> bytes:
        """The whole body, decoded, refused as soon as it is known to be too large, or takes too long.

        Raises BodyTooLarge, BodyTooSlow, WrongEncoding, BadEncoding or Disconnected.
        """
        declared = headers.get(b"content-length")
        if declared.isdecimal() and int(declared) > self._limit:
            raise self._too_large()
        coding = headers.get(b"content-encoding")
        task = asyncio.current_task()
        self._since[task] = time.monotonic()
        if not self._looking:
            self._look()
        try:
            first = await receive()
            if not coding and first["type"] == "http.request" and not first.get("more_body"):
                return self._bounded(first.get("body", b""))
            parts = self._parts(first, receive)
            coding = coding.strip().lower()
            if coding in ("", "identity"):
                return b"".join([part async for part in parts])
            return await self._decoded(parts, coding)
        except asyncio.CancelledError:
            if task is None or task not in self._overdue:
                raise
            self._overdue.remove(task)
            task.uncancel()
            raise BodyTooSlow(
                f"The body did not arrive within {self._seconds:g} seconds.", where="body", fix="Send it faster."
            ) from None
        finally:
            del self._since[task]

    def _look(self) -> None:
        """Cancels who is overdue, now and again while anybody is sending."""
        now = time.monotonic()
        for task, since in self._since.items():
            if task and now - since > self._seconds and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        self._looking = bool(self._since)
        if self._looking:
            asyncio.get_running_loop().call_later(min(1.0, self._seconds / 4), self._look)

    async def _parts(self, message: Message, receive: _Receive) -> AsyncIterator[bytes]:
        """The body as it comes in, from its first message on."""
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise Disconnected
            part: bytes = message.get("body", b"")
            size += len(part)
            yield self._bounded(part, size)
            if not message.get("more_body"):
                return
            message = await receive()

    async def _decoded(self, parts: AsyncIterator[bytes], coding: str) -> bytes:
        """Decodes while it reads, so that what is too large when decoded is never held."""
        if coding not in ("gzip", "x-gzip", "deflate"):
            raise WrongEncoding(
                f"Nothing here decodes {coding[:40]!r}.",
                where="Content-Encoding",
                fix="Use gzip or deflate, or send the body as it is.",
            )
        whole = bytearray()
        decoder = None
        async for part in parts:
            if decoder is None and part:
                decoder = zlib.decompressobj(_window(coding, part[0]))
            rest = part
            while decoder is not None:
                room = self._limit - len(whole) + 1
                try:
                    piece = decoder.decompress(rest, min(_PIECE, room))
                except zlib.error as error:
                    raise BadEncoding(f"The body is no {coding}: {error}.", where="body") from error
                self._bounded(piece, len(whole) + len(piece))
                whole += piece
                if decoder.unused_data:
                    raise BadEncoding(f"The body goes on after the end of its {coding}.", where="body")
                rest = decoder.unconsumed_tail
                if not rest and len(piece) < _PIECE:
                    break
                await asyncio.sleep(0)
        if decoder is None or not decoder.eof:
            raise BadEncoding(f"The body ends before its {coding} does.", where="body")
        return bytes(whole)

    def _bounded(self, part: bytes, size: int = 0) -> bytes:
        """The part, unless it, or the `size` of all that is there with it, is too large."""
        if size > self._limit or len(part) > self._limit:
            raise self._too_large()
        return part

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"The body is larger than {self._limit} bytes.", where="body", fix="Send fewer rows per request."
        )


def _window(coding: str, first: int) -> int:
    """What zlib has to be told: gzip's frame, zlib's, or none, as some send what they call deflate."""
    if coding != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


async def while_connected(receive: Callable[[], Awaitable[Message]], work: Awaitable[Result]) -> Result:
    """What `work` comes to, once the body has been read. When the client leaves it is cancelled: Disconnected."""
    task = asyncio.current_task()
    leaving = asyncio.ensure_future(until_gone(receive))
    waits = True

    def stop(_: object) -> None:
        if waits and task is not None:
            task.cancel()

    leaving.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if task is None or not leaving.done() or task.uncancel():
            raise
        raise Disconnected from None
    finally:
        waits = False
        leaving.cancel()


async def until_gone(receive: Callable[[], Awaitable[Message]]) -> None:
    """Returns when the client goes away. The body has been read, so nothing else can come."""
    while (await receive())["type"] != "http.disconnect":
        pass
