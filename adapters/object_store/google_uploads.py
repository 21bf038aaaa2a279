"""Google's uploads, as Cloud Storage and Drive both have them: at once with metadata, or in a session, part by part."""

import json
from collections.abc import Callable, Mapping
from uuid import uuid4

OCTETS = "application/octet-stream"
JSON = "application/json; charset=UTF-8"

Send = Callable[[dict[str, str], bytes], int | None]
"""Sends bytes to the session with headers; says how many bytes it keeps by now, or None when the object is whole."""


class ResumableParts:
    """The object appears with its last byte. A part that may have arrived is asked about before it is sent again."""

    def __init__(self, send: Send, drop: Callable[[], None], size: int) -> None:
        self._send = send
        self._drop = drop
        self._size = size
        self._tried: set[int] = set()

    def put(self, number: int, offset: int, data: bytes) -> None:
        end = offset + len(data)
        kept: int | None = offset
        if number in self._tried:
            kept = self._send({"Content-Range": f"bytes */{self._size}"}, b"")
        self._tried.add(number)
        while kept is not None and kept < end:
            if kept < offset:
                raise ConnectionError(f"The session lost bytes: it keeps {kept}, and {offset} were sent.")
            before = kept
            part = data[kept - offset :]
            kept = self._send({"Content-Range": f"bytes {kept}-{end - 1}/{self._size}"}, part)
            if kept == before:
                raise ConnectionError(f"The session takes no more than {kept} bytes.")

    def complete(self) -> None:
        """The last part did it."""

    def abort(self) -> None:
        self._drop()


def kept_by(range_header: str | None) -> int:
    """How many bytes `Range: bytes=0-41` says are kept; none when there is no such header."""
    return int(range_header.rpartition("-")[2]) + 1 if range_header else 0


def multipart(meta: Mapping[str, object], data: bytes) -> tuple[str, bytes]:
    """Content type and body of an upload at once."""
    mark = uuid4().hex
    head = f"--{mark}\r\nContent-Type: {JSON}\r\n\r\n{json.dumps(meta)}\r\n--{mark}\r\nContent-Type: {OCTETS}\r\n\r\n"
    return f"multipart/related; boundary={mark}", b"".join([head.encode(), data, f"\r\n--{mark}--".encode()])
