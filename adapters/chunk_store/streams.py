"""A content as a stream of bytes, read from anywhere."""

import io
from collections.abc import Iterator
from typing import Any

from adapters.chunk_store.reader import ChunkReader
from domain.contents.recipes import Part


def bytes_from(parts: list[Part], reader: ChunkReader, start: int) -> Iterator[bytes]:
    """The bytes of these chunks from `start` on."""
    first = 0
    while first < len(parts) and start >= parts[first].size:
        start -= parts[first].size
        first += 1
    for chunk in reader.stream(parts[first:]):
        yield chunk[start:] if start else chunk
        start = 0


class ContentReader(io.RawIOBase):
    """A content as a stream. A seek starts a new read where it goes."""

    def __init__(self, parts: list[Part], reader: ChunkReader) -> None:
        super().__init__()
        self._parts = parts
        self._chunks = reader
        self._size = sum(part.size for part in parts)
        self._at = 0
        self._coming: Iterator[bytes] | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest and self._at < self._size:
            if self._coming is None:
                self._coming = bytes_from(self._parts, self._chunks, self._at)
            self._rest = memoryview(next(self._coming))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if target < 0:
            raise ValueError(f"a position of {target}")
        if target != self._at:
            self._at, self._coming, self._rest = target, None, memoryview(b"")
        return target

    def tell(self) -> int:
        return self._at
