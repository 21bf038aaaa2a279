"""What comes in over HTTP: the headers that matter and the body, within its bounds. Read by the router."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.types import Message, Scope

from serving.errors import BodyTooLarge

Result = TypeVar("Result")


class Disconnected(Exception):
    """The client went away while its body was read; there is nobody to answer."""


class Headers:
    """The few headers that matter here, by lower-case name."""

    __slots__ = ("_raw",)

    def __init__(self, scope: Scope) -> None:
        self._raw: dict[bytes, bytes] = dict(scope["headers"])

    def get(self, name: bytes) -> str:
        return self._raw[name].decode("latin-1") if name in self._raw else ""


async def read_body(receive: Callable[[], Awaitable[Message]], headers: Headers, limit: int) -> bytes:
    """The whole body, refused as soon as it is known to be above `limit` bytes."""
    declared = headers.get(b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    parts = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def while_connected(receive: Callable[[], Awaitable[Message]], work: Awaitable[Result]) -> Result:
    """What `work` comes to, once the body has been read. When the client leaves it is cancelled: Disconnected."""
    task = asyncio.current_task()
    leaving = asyncio.ensure_future(_left(receive))
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


async def _left(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", where="body", fix="Send fewer rows per request.")
