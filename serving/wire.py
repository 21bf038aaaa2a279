"""Frames between serving and the process of a Python model: four bytes of length, then JSON. Nothing is unpickled."""

import socket
import struct
import time
from typing import Any

import orjson

_LENGTH = struct.Struct(">I")


class Closed(ConnectionError):
    """The other side is gone."""


def send(link: socket.socket, message: dict[str, Any]) -> None:
    """Sends one message; TimeoutError when the link's timeout passes."""
    body = orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    link.sendall(_LENGTH.pack(len(body)) + body)


def receive(link: socket.socket, *, seconds: float | None = None) -> dict[str, Any]:
    """The next message. Raises Closed, or TimeoutError when it is not complete within `seconds`."""
    deadline = None if seconds is None else time.monotonic() + seconds
    size: int = _LENGTH.unpack(_exactly(link, _LENGTH.size, deadline))[0]
    message: dict[str, Any] = orjson.loads(_exactly(link, size, deadline))
    return message


def _exactly(link: socket.socket, size: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if deadline is not None:
            link.settimeout(max(deadline - time.monotonic(), 0.001))
        part = link.recv(min(size - len(parts), 2**20))
        if not part:
            raise Closed("the other side closed the link")
        parts += part
    return bytes(parts)
