"""Parts of objects: neighbouring ranges asked for in one request, and a file that reads itself by ranges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import SEEK_CUR, SEEK_END, RawIOBase
from typing import TYPE_CHECKING

from adapters.object_store.protocol import Range

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_GAP = 2**17  # bytes read for nothing cost less than another request
_MOST_SPAN = 16 * 2**20


@dataclass
class Span:
    """One request that covers several of the wanted ranges, by their place in the list."""

    key: str
    start: int
    end: int
    covers: list[int] = field(default_factory=list)


def spans(wanted: Sequence[Range]) -> list[Span]:
    """Few requests for many ranges: those of one key that touch, overlap or nearly do so are read together."""
    found: list[Span] = []
    for place in sorted(range(len(wanted)), key=lambda place: wanted[place]):
        key, start, length = wanted[place]
        last = found[-1] if found else None
        end = max(start + length, last.end) if last else start + length
        if last and last.key == key and start <= last.end + _MOST_GAP and end - last.start <= _MOST_SPAN:
            last.end = end
        else:
            last = Span(key, start, start + length)
            found.append(last)
        last.covers.append(place)
    return found


class RangedFile(RawIOBase):
    """An object as a file that can be read from anywhere. Put a BufferedReader around it: each read is a request."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        target = offset + {SEEK_CUR: self._at, SEEK_END: self._size}.get(whence, 0)
        if target < 0:
            raise ValueError(f"There is no byte {target}.")
        self._at = target
        return target

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self._size - self._at))
        if length:
            view[:length] = self._read(self._at, length)
            self._at += length
        return length

    def readall(self) -> bytes:
        """The rest of it. What the base class does is a request for every few kilobytes."""
        pieces = []
        while self._at < self._size:
            length = min(_MOST_SPAN, self._size - self._at)
            pieces.append(self._read(self._at, length))
            self._at += length
        return b"".join(pieces)
