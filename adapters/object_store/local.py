"""`LocalStore`: a folder of this machine, or a disk that it mounts."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from adapters.object_store.appearing import appearing
from adapters.object_store.keys import INCOMING, checked_key, checked_range
from adapters.object_store.protocol import (
    ObjectInfo,
    ObjectMissing,
    Range,
    StoreDamaged,
    StoreForbidden,
    StoreFull,
    StoreUnavailable,
)
from adapters.object_store.troubles import Trouble, trouble_of
from domain.errors import DomainError

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_FORGOTTEN_SECONDS = 2 * 86400.0


class LocalStore:
    """Objects are files, and appear by rename: a crash leaves no half-written one."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / INCOMING
        with self._speaking("", "cannot be made", of_object=False):
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def put(self, key: str, data: bytes) -> None:
        with self._appearing(key) as file:
            file.write(data)

    def upload(self, path: Path, key: str) -> None:
        with path.open("rb") as source, self._appearing(key) as file:
            shutil.copyfileobj(source, file, 2**20)

    def get(self, key: str) -> bytes:
        with self.open(key) as file, self._speaking(key, "does not give"):
            return file.read()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self.get_ranges([(key, start, length)])[0]

    def get_ranges(self, wanted: Sequence[Range]) -> list[bytes]:
        """One object is opened once, however many of its parts are wanted."""
        found = [b""] * len(wanted)
        places: dict[str, list[int]] = {}
        for place, each in enumerate(wanted):
            checked_range(*each)
            places.setdefault(each[0], []).append(place)
        for key, its in places.items():
            with self.open(key) as file, self._speaking(key, "does not give"):
                for place in its:
                    _, start, length = wanted[place]
                    found[place] = os.pread(file.fileno(), length, start)
                    if len(found[place]) != length:
                        raise StoreDamaged(
                            f"{key!r} in the store is shorter than it must be: "
                            f"it does not have bytes {start} to {start + length}.",
                            where=key,
                        )
        return found

    def open(self, key: str) -> BinaryIO:
        with self._speaking(key, "does not give"):
            return self._path(key).open("rb")

    def exists(self, key: str) -> bool:
        try:
            self.info(key)
        except ObjectMissing:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        with self._speaking(key, "does not tell about"):
            stat = self._path(key).stat()
            if not S_ISREG(stat.st_mode):
                raise IsADirectoryError
        return ObjectInfo(key, stat.st_size, stat.st_mtime)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        prefix = prefix.removesuffix("/")
        top = self._path(prefix) if prefix else self._root
        self._check_there(prefix)
        for folder, folders, files in os.walk(top, onerror=self._raise_unless_gone):
            folders[:] = sorted(name for name in folders if Path(folder, name) != self._incoming)
            for name in sorted(files):
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:  # deleted while we were listing
                    continue
                yield ObjectInfo(path.relative_to(self._root).as_posix(), stat.st_size, stat.st_mtime)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(ObjectMissing), self._speaking(key, "does not delete"):
            path.unlink()

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def fetch(self, key: str, path: Path) -> None:
        with self.open(key) as source, appearing(path) as unfinished, unfinished.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)

    def local_path(self, key: str) -> Path | None:
        return self._incoming if key == INCOMING else self._path(key)

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _check_there(self, key: str) -> None:
        """A disk that is not mounted must not read as an empty store."""
        if not self._incoming.is_dir():
            raise StoreUnavailable(f"The store at {self._root} is not there.", where=key or None)

    def _raise_unless_gone(self, error: OSError) -> None:
        """A folder that cannot be read must not be left out of a listing in silence."""
        if not isinstance(error, _NO_FILE):
            raise self._told("", "does not list all it has", error) from error

    @contextmanager
    def _appearing(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        with self._speaking(key, "did not take", of_object=False):
            handle, name = tempfile.mkstemp(dir=self._incoming)  # fails where the disk is not mounted
            try:
                with os.fdopen(handle, "wb") as file:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            finally:
                Path(name).unlink(missing_ok=True)

    @contextmanager
    def _speaking(self, key: str, does_not: str, *, of_object: bool = True) -> Iterator[None]:
        """Errors of the disk in our words. `of_object`: that something is missing can only mean the object."""
        try:
            yield
        except OSError as error:
            if of_object and isinstance(error, _NO_FILE):
                self._check_there(key)
                raise ObjectMissing(f"The store has no object {key!r}.", where=key) from error
            raise self._told(key, does_not, error) from error

    def _told(self, key: str, does_not: str, error: OSError) -> DomainError:
        trouble = trouble_of(error)
        what = f"{does_not} {key!r}" if key else does_not
        message, where = f"The store at {self._root} {what}: {error.strerror or error}.", key or None
        if trouble is Trouble.FULL:
            return StoreFull(message, where=where, fix="Make room on its disk.")
        if trouble is Trouble.FORBIDDEN:
            return StoreForbidden(message, where=where, fix=f"Let this process's user read and write {self._root}.")
        return StoreUnavailable(message, where=where)

    def _sweep(self) -> None:
        """Removes what processes that were killed left unfinished, days ago."""
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    path.unlink()
