"""Files on their way into a multipart body: opened when their turn comes, counted as they are read."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


class Upload(io.RawIOBase):
    """A file that is open only while it is being sent, so that a folder may hold more files than a process may open."""

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        super().__init__()
        self._path = path
        self._on_read = on_read
        self._size = path.stat().st_size
        self._sent = 0
        self._stream: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises OSError when the file shrank or grew since its size was told to the server."""
        if self._stream is None:
            self._stream = self._path.open("rb")
        data = self._stream.read(size)
        self._sent += len(data)
        if self._sent > self._size or (not data and self._sent < self._size):
            raise OSError(f"{self._path} changed while it was being sent")
        if not data:
            self.close()
        self._on_read(len(data))
        return data

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()

    def tell(self) -> int:
        return self._sent

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Enough for the size to be asked: to the end, and back to the start before the first read."""
        return self._size if whence == io.SEEK_END else offset


def files_under(path: Path) -> list[tuple[str, Path]]:
    """Every file to send with the name it is to have: a single file by its own, those of a folder relative to it."""
    if path.is_file():
        return [(path.name, path)]
    return [(file.relative_to(path).as_posix(), file) for file in sorted(path.rglob("*")) if file.is_file()]
