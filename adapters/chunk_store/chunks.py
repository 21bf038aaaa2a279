"""Where bytes are cut, and what a chunk is called. Pure; the command line cuts with it too, before it sends.

Cut points are content-defined (FastCDC, Xia et al. 2020): bytes inserted or removed move only the chunks around them.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from io import FileIO

from blake3 import blake3
from pyfastcdc import FastCDC

AVERAGE = 64 * 2**10
SMALLEST, LARGEST = AVERAGE // 4, AVERAGE * 4
BITE = 4 * 2**20
"""Bytes that are cut at once."""
FILE_BITE = 2**20
"""The same of a file, where nothing has to be put together for it."""
MARK_BYTES = 64


def digest_of(chunk: bytes | memoryview) -> bytes:
    """The name of a chunk: its BLAKE3, 32 bytes."""
    return blake3(chunk).digest()


def marks_of(chunk: bytes) -> tuple[int, int]:
    """Fingerprints (signed 64 bits) of the first and of the last 64 bytes.

    An edit inside a chunk leaves one of them as it was, nearly always: cut points stay where they are.
    """
    return _mark(chunk[:MARK_BYTES]), _mark(chunk[-MARK_BYTES:])


def cut_file(file: FileIO, on_read: Callable[[int], None]) -> Iterator[bytes]:
    """The chunks of a file, which is read through one small buffer: most of it is still in the processor's cache."""
    cdc = _new_cdc()
    buffer = memoryview(bytearray(FILE_BITE + LARGEST))
    held = 0
    while True:
        read = file.readinto(buffer[held:])
        on_read(read)
        held += read
        ends = [chunk.offset + chunk.length for chunk in cdc.cut_buf(buffer[:held])]
        if read:
            ends = ends[:-1]  # only the end of the buffer cut the last one
        start = 0
        for end in ends:
            yield bytes(buffer[start:end])
            start = end
        buffer[: held - start] = buffer[start:held]
        held -= start
        if not read:
            return


class Chunker:
    """Cuts a stream. `feed` and `finish` give the chunks that are complete; a stream of no bytes has none."""

    def __init__(self) -> None:
        self._cdc = _new_cdc()
        self._waiting: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= BITE:
            yield from self._cut(last=False)

    def finish(self) -> Iterator[bytes]:
        yield from self._cut(last=True)

    def _cut(self, *, last: bool) -> Iterator[bytes]:
        buffer = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        if last and len(buffer) <= SMALLEST:
            self._waiting, self._size = [], 0
            if buffer:
                yield bytes(buffer)
            return
        ends = [chunk.offset + chunk.length for chunk in self._cdc.cut_buf(buffer)]
        if not last:
            ends.pop()  # only the end of the buffer cut this one
        start = 0
        for end in ends:
            yield bytes(buffer[start:end])
            start = end
        self._waiting, self._size = ([buffer[start:]], len(buffer) - start) if not last else ([], 0)


def _new_cdc() -> FastCDC:
    return FastCDC(AVERAGE, min_size=SMALLEST, max_size=LARGEST)


def _mark(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)
