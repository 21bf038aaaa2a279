"""Server-sent events over the database: rows after a number, again and again, resumable by `Last-Event-ID`."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import orjson
from anyio import sleep, to_thread
from fastapi import Request
from fastapi.responses import StreamingResponse

from domain.errors import Invalid

_POLL_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 15.0


class BadLastEventId(Invalid):
    code = "bad_last_event_id"


@dataclass(frozen=True)
class Message:
    """One server-sent event; `id` is what a client repeats in `Last-Event-ID`."""

    id: int | None
    event: str
    data: object

    def encode(self) -> bytes:
        head = f"id: {self.id}\n" if self.id is not None else ""
        return f"{head}event: {self.event}\ndata: ".encode() + orjson.dumps(self.data) + b"\n\n"


class EventStream(StreamingResponse):
    """What a route that answers with `stream` names as its `response_class`, for its description."""

    media_type = "text/event-stream"


def last_event_id(request: Request) -> int | None:
    """The number after which the client wants to read on; None when it starts afresh."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit()) or len(given) > 18:
        raise BadLastEventId(f"{given[:40]!r} is no event number.", where="Last-Event-ID")
    return int(given)


def stream(request: Request, start: int, poll: Callable[[int], tuple[list[Message], int, bool]]) -> EventStream:
    """Answer with what `poll(after)` finds: messages, the new position, and whether there is an end."""

    async def body() -> AsyncIterator[bytes]:
        position = start
        quiet_since = time.monotonic()
        yield b"retry: 2000\n\n"
        while not await request.is_disconnected():
            messages, position, ended = await to_thread.run_sync(poll, position)
            for message in messages:
                yield message.encode()
            if ended:
                return
            if messages:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _KEEP_ALIVE_SECONDS:
                yield b": still here\n\n"
                quiet_since = time.monotonic()
            await sleep(_POLL_SECONDS)

    return EventStream(body(), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
