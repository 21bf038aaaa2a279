"""Object stores over fsspec, and `open_store`, which picks one by URL."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.core import url_to_fs

from adapters.object_store.protocol import ObjectInfo, ObjectMissing, ObjectStore, StoreUnavailable
from domain.errors import DomainError, Invalid

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class BadKey(Invalid):
    code = "bad_object_key"


def open_store(url: str) -> ObjectStore:
    """The store at `url`: a folder (plain path or `file://`), `s3://bucket/prefix`, `memory://`, or any fsspec URL."""
    if "://" not in url or url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")))
    filesystem, root = url_to_fs(url)
    return FsspecStore(filesystem, root)


def _checked(key: str) -> str:
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\x00" in key:
        raise BadKey(f"{key!r} is no key of an object store.", where="key")
    return key


class LocalStore:
    """A folder on this machine. Objects appear by rename, so a crash leaves no half-written one."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / ".incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes) -> None:
        with self._appearing(key) as file:
            file.write(data)

    def upload(self, path: Path, key: str) -> None:
        with path.open("rb") as source, self._appearing(key) as file:
            shutil.copyfileobj(source, file, 2**20)

    def get(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except _NO_FILE as error:
            raise self._missing(key) from error
        except OSError as error:
            raise StoreUnavailable(f"The store at {self._root} does not give {key!r}: {error}.", where=key) from error

    def get_ranges(self, wanted: Sequence[tuple[str, int, int]]) -> list[bytes]:
        found = []
        for key, start, length in wanted:
            with self.open(key) as file:
                file.seek(start)
                found.append(file.read(length))
        return found

    def exists(self, key: str) -> bool:
        try:
            self.info(key)
        except ObjectMissing:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        try:
            stat = self._path(key).stat()
        except _NO_FILE as error:
            raise self._missing(key) from error
        if not S_ISREG(stat.st_mode):
            raise self._missing(key)
        return ObjectInfo(key, stat.st_size, stat.st_mtime)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        top = self._path(prefix) if prefix else self._root
        if not self._incoming.is_dir():
            raise self._missing(prefix)
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if Path(folder, name) != self._incoming)
            for name in sorted(files):
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:  # deleted while we were listing
                    continue
                yield ObjectInfo(path.relative_to(self._root).as_posix(), stat.st_size, stat.st_mtime)

    def delete(self, key: str) -> None:
        with suppress(*_NO_FILE):
            self._path(key).unlink()

    def fetch(self, key: str, path: Path) -> None:
        with self.open(key) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)

    def local_path(self, key: str) -> Path | None:
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self._root / _checked(key)

    def _missing(self, key: str) -> ObjectMissing | StoreUnavailable:
        """Why there is no such file: a disk that is not mounted must not read as an empty store."""
        if self._incoming.is_dir():
            return ObjectMissing(f"The store has no object {key!r}.", where=key)
        return StoreUnavailable(f"The store at {self._root} is not there.", where=key)

    @contextmanager
    def _appearing(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        try:
            handle, name = tempfile.mkstemp(dir=self._incoming)  # fails where the disk is not mounted
        except OSError as error:
            raise StoreUnavailable(f"The store at {self._root} takes no objects: {error}.", where=key) from error
        try:
            with os.fdopen(handle, "wb") as file:
                path.parent.mkdir(parents=True, exist_ok=True)
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError as error:
            raise StoreUnavailable(f"The store at {self._root} did not take {key!r}: {error}.", where=key) from error
        finally:
            Path(name).unlink(missing_ok=True)


class FsspecStore:
    """Any other filesystem fsspec knows. Object stores make an upload visible only when it is complete."""

    def __init__(self, filesystem: fsspec.AbstractFileSystem, root: str) -> None:
        self._fs = filesystem
        self._root = root.rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        with self._speaking(key):
            self._fs.pipe_file(self._path(key), data)

    def upload(self, path: Path, key: str) -> None:
        with self._speaking(key):
            self._fs.put_file(str(path), self._path(key))

    def get(self, key: str) -> bytes:
        with self._speaking(key):
            return cast("bytes", self._fs.cat_file(self._path(key)))

    def get_ranges(self, wanted: Sequence[tuple[str, int, int]]) -> list[bytes]:
        paths, starts, lengths = (
            [self._path(key) for key, _, _ in wanted],
            [s for _, s, _ in wanted],
            [n for *_, n in wanted],
        )
        with self._speaking(paths[0] if paths else ""):
            ends = [start + length for start, length in zip(starts, lengths, strict=True)]
            return cast("list[bytes]", self._fs.cat_ranges(paths, starts, ends, on_error="raise"))

    def open(self, key: str) -> BinaryIO:
        self.info(key)  # some filesystems open a prefix of other keys too, and read nothing
        with self._speaking(key):
            return cast("BinaryIO", self._fs.open(self._path(key), "rb"))

    def exists(self, key: str) -> bool:
        try:
            self.info(key)
        except ObjectMissing:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        path = self._path(key)
        with self._speaking(key):
            self._fs.invalidate_cache(self._parent(key))
            found = self._fs.info(path)
        if found["type"] != "file":
            raise ObjectMissing(f"The store has no object {key!r}.", where=key)
        return self._described(path, found)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        path = self._path(prefix) if prefix else self._root
        with self._speaking(prefix):
            self._fs.invalidate_cache()
            found = self._fs.find(path, detail=True)
        for name, details in sorted(found.items()):
            yield self._described(name, details)

    def delete(self, key: str) -> None:
        if self.exists(key):
            with self._speaking(key), suppress(*_NO_FILE):
                self._fs.rm_file(self._path(key))

    def fetch(self, key: str, path: Path) -> None:
        self.info(key)  # as in `open`
        with self._speaking(key):
            self._fs.get_file(self._path(key), str(path))

    def local_path(self, key: str) -> Path | None:
        _checked(key)
        return None

    def _path(self, key: str) -> str:
        return f"{self._root}/{_checked(key)}"

    def _parent(self, key: str) -> str:
        return self._path(key).rpartition("/")[0]

    def _described(self, name: str, details: dict[str, Any]) -> ObjectInfo:
        modified = details.get("LastModified") or details.get("created") or details.get("mtime") or 0.0
        seconds = modified if isinstance(modified, (int, float)) else modified.timestamp()
        return ObjectInfo(name.removeprefix(f"{self._root}/"), int(details["size"] or 0), float(seconds))

    @contextmanager
    def _speaking(self, key: str) -> Iterator[None]:
        try:
            yield
        except _NO_FILE as error:
            raise ObjectMissing(f"The store has no object {key!r}.", where=key) from error
        except DomainError:
            raise
        except Exception as error:  # botocore's, google's and azure's errors have no ancestor in common
            raise StoreUnavailable(
                f"The store at {self._root} did not answer for {key!r}: {error}.", where=key
            ) from error
