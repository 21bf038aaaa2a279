"""Frames between a process and that of a Python model: two sizes, JSON, then arrays as they lie in memory.

An array of numbers that is a field of the message goes raw, whatever is deeper as JSON. Nothing is unpickled.
"""

import math
import socket
import struct
import time
from typing import Any, Final

import numpy as np
import orjson

_SIZES: Final = struct.Struct(">IQ")
_RAW_KINDS: Final = "biuf"
_LARGEST: Final = 2**32


class Closed(ConnectionError):
    """The other side is gone, or what it sends is no message."""


def send(link: socket.socket, message: dict[str, Any]) -> None:
    """Sends one message; TimeoutError when the link's timeout passes."""
    arrays = {
        name: value
        for name, value in message.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in _RAW_KINDS
    }
    plain = {name: value for name, value in message.items() if name not in arrays}
    shapes = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    head = orjson.dumps([plain, shapes], option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    raw = [array.tobytes() for array in arrays.values()]
    link.sendall(b"".join([_SIZES.pack(len(head), sum(map(len, raw))), head, *raw]))


def receive(link: socket.socket, *, seconds: float | None = None) -> dict[str, Any]:
    """The next message. Raises Closed, or TimeoutError when it is not complete within `seconds`."""
    deadline = None if seconds is None else time.monotonic() + seconds
    head, tail = _SIZES.unpack(_exactly(link, _SIZES.size, deadline))
    if head + tail > _LARGEST:
        raise Closed("the other side sends no messages")
    content = _exactly(link, head + tail, deadline)
    try:
        return _read(content, head)
    except (TypeError, ValueError) as error:
        raise Closed("the other side sends no messages") from error


def _read(content: bytes, start: int) -> dict[str, Any]:
    message: dict[str, Any]
    message, shapes = orjson.loads(content[:start])
    for name, kind, shape in shapes:
        dtype = np.dtype(kind)
        if dtype.kind not in _RAW_KINDS:
            raise ValueError(f"{kind} is no number")
        # Copied, so that it can be written to and lies as numpy wants it.
        message[name] = np.frombuffer(content, dtype, math.prod(shape), start).reshape(shape).copy()
        start += message[name].nbytes
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
