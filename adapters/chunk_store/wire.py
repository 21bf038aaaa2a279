"""How a sender who cuts for himself sends a version: only the chunks that the store lacks. Pure; both ends use it.

A push is a stream of records, each a letter, a length (32 bits, little-endian) and so many bytes:

    F  a frame: its encoding (raw or Zstandard), the recipe entries of its chunks, and the stored bytes
    P  parts of the current file: recipe entries, in order; the chunks came in frames before, or the store has them
    E  the end of the current file: its path
    K  a file the store has already: its MD5 in hex, and its path
    M  the message; the last record, without which a push is not complete

Frames come shortly before the parts that need them, so that the receiver hashes each file as it passes. On the way back
there are D, bytes of the current file, and E.
"""

import struct
from collections.abc import Iterator, Sequence
from enum import Enum

from adapters.chunk_store.frames import Encoding
from domain.contents.recipes import Part, pack, unpack

MEDIA_TYPE = "application/vnd.millrace.push"
BUNDLE_TYPE = "application/vnd.millrace.files"
LARGEST_RECORD = 4 * 2**20
_HEAD = struct.Struct("<cI")
_FRAME = struct.Struct("<BH")
_MD5 = 32


class BadRecord(ValueError):
    """The bytes are no push."""


class Kind(Enum):
    FRAME = b"F"
    PARTS = b"P"
    END = b"E"
    KNOWN = b"K"
    MESSAGE = b"M"
    DATA = b"D"


_KINDS = {kind.value: kind for kind in Kind}


def record(kind: Kind, data: bytes) -> bytes:
    return _HEAD.pack(kind.value, len(data)) + data


def parts(chunks: Sequence[tuple[bytes, int]]) -> bytes:
    """The record of more chunks of the current file, each with its size."""
    return record(Kind.PARTS, pack(chunks))


def frame(encoding: Encoding, parts: Sequence[tuple[bytes, int]], stored: bytes) -> bytes:
    """The record of a frame that holds these chunks."""
    head = _FRAME.pack(encoding, len(parts)) + pack(parts)
    return b"".join((_HEAD.pack(b"F", len(head) + len(stored)), head, stored))


def read_frame(data: memoryview) -> tuple[Encoding, list[Part], bytes]:
    """Encoding, chunks and stored bytes of a frame's record. Raises BadRecord."""
    try:
        encoding, count = _FRAME.unpack_from(data)
        behind = _FRAME.size + 36 * count
        if encoding not in (Encoding.RAW, Encoding.ZSTD) or not count or len(data) < behind:
            raise BadRecord("a frame that is none")
        return Encoding(encoding), unpack(data[_FRAME.size : behind]), bytes(data[behind:])
    except struct.error as error:
        raise BadRecord("a frame without its head") from error


def known(md5: str, path: str) -> bytes:
    return record(Kind.KNOWN, md5.encode() + path.encode())


def read_known(data: memoryview) -> tuple[str, bytes]:
    """MD5 and path (still bytes) of a file that the store has. Raises BadRecord."""
    digest, path = bytes(data[:_MD5]), bytes(data[_MD5:])
    if not path or not digest.isalnum():
        raise BadRecord("a known file without its MD5")
    return digest.decode("ascii"), path


class RecordReader:
    """Cuts a stream of bytes into records."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[tuple[Kind, memoryview]]:
        """The records that are complete. Raises BadRecord for an unknown letter or a record longer than any is."""
        if self._waiting:  # only the record that was cut in two is put together, and not all that came with it
            missing = self._missing(data)
            data, rest = self._waiting + data[:missing], memoryview(data)[missing:]
            self._waiting = b""
            yield from self._cut(memoryview(data))
            if self._waiting:
                return
        else:
            rest = memoryview(data)
        yield from self._cut(rest)

    def _missing(self, data: bytes) -> int:
        """How many of these bytes the record takes that has begun."""
        head = self._waiting[: _HEAD.size] + data[: max(0, _HEAD.size - len(self._waiting))]
        if len(head) < _HEAD.size:
            return len(data)
        return _HEAD.size + int(_HEAD.unpack(head)[1]) - len(self._waiting)

    def _cut(self, view: memoryview) -> Iterator[tuple[Kind, memoryview]]:
        at = 0
        while len(view) - at >= _HEAD.size:
            letter, length = _HEAD.unpack_from(view, at)
            kind = _KINDS.get(letter)
            if kind is None:
                raise BadRecord(f"a record of the kind {letter!r}")
            if length > LARGEST_RECORD:
                raise BadRecord(f"a record of {length} bytes")
            end = at + _HEAD.size + length
            if end > len(view):
                break
            yield kind, view[at + _HEAD.size : end]
            at = end
        self._waiting = bytes(view[at:])

    @property
    def rest(self) -> int:
        """Bytes of a record that is not complete."""
        return len(self._waiting)
