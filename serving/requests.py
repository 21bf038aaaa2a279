"""What comes in over HTTP: the headers that matter and the body, within its bounds. Read by the router."""

from collections.abc import Awaitable, Callable

from starlette.types import Message, Scope

from serving.errors import BodyTooLarge


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


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", where="body", fix="Send fewer rows per request.")
