"""The files below a path, and what is remembered of them, so that a file that has not changed is not read again."""

import os
from collections.abc import Iterable
from hashlib import blake2b, md5
from operator import attrgetter
from pathlib import Path
from time import time_ns
from typing import NamedTuple

import orjson

from cli.client import ClientError

UNSURE_NS = 20_000_000
"""A file that was written this shortly before it was looked at may have been written again without a trace."""
_VERSION = 1


class LocalFile(NamedTuple):
    """A file: where it is, the name it has (is to have) in a version, and the marks by which a change shows."""

    path: str
    name: str
    size: int
    mark: tuple[int, int, int]
    """Time of its last change, inode, size."""


_local_file = LocalFile._make  # in half the time


def files_under(path: Path) -> list[LocalFile]:
    """Every file to send, by name: a single file by its own, those of a folder relative to it.

    Links to files are followed; a link to a folder is an error, since what is behind it may lie anywhere.
    """
    if path.is_file():
        return [look_at(str(path), path.name)]
    return sorted(in_folder(path), key=attrgetter("name"))


def in_folder(path: Path) -> list[LocalFile]:
    """The same of a folder, in no particular order."""
    files: list[LocalFile] = []
    _walk(str(path), "", files)
    return files


def _walk(folder: str, prefix: str, files: list[LocalFile]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):  # first: there are thousands of these
                files.append(_looked_at(entry.path, prefix + entry.name, entry.stat(follow_symlinks=False)))
            elif entry.is_dir(follow_symlinks=False):
                _walk(entry.path, f"{prefix}{entry.name}/", files)
            elif entry.is_symlink() and Path(entry.path).is_dir():
                raise ClientError(
                    f"{entry.path} is a link to a folder.", fix="Send that folder as a dataset of its own."
                )
            elif entry.is_file():
                files.append(_looked_at(entry.path, prefix + entry.name, entry.stat()))


def look_at(path: str, name: str) -> LocalFile:
    """The file as it is now."""
    return _looked_at(path, name, os.stat(path))  # noqa: PTH116  # a Path each costs as much as the look


def cache_folder() -> Path:
    """Where this program remembers what it could find out again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millrace"


def write_whole(file: Path, data: bytes) -> None:
    """Remember `data` there, for a reader whole or not at all. What cannot be written is not remembered."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_bytes(data)
        partial.replace(file)
    except OSError:
        return  # it only saves time


def _looked_at(path: str, name: str, stat: os.stat_result) -> LocalFile:
    size = stat.st_size
    return _local_file((path, name, size, (stat.st_mtime_ns, stat.st_ino, size)))


class Memory:
    """What the files of one place were when last read or written: their MD5s, in the person's cache folder."""

    def __init__(self, place: Path) -> None:
        name = blake2b(os.fsencode(place.absolute()), digest_size=16).hexdigest()
        self._file = cache_folder() / "trees" / f"{name}.json"
        self._known: dict[str, list[int | str]] = self._load()

    def unchanged(self, files: Iterable[LocalFile]) -> dict[str, str]:
        """By name the MD5s of those that have not changed since."""
        known = self._known
        return {name: str(was[3]) for _, name, _, mark in files if (was := known.get(name)) and was == [*mark, was[3]]}

    def hashed(self, file: LocalFile) -> str:
        """The file's MD5, read."""
        with Path(file.path).open("rb") as stream:
            digest = md5(usedforsecurity=False)
            while data := stream.read(2**20):
                digest.update(data)
        self._remember(file, digest.hexdigest())
        return digest.hexdigest()

    def keep(self, files: Iterable[tuple[LocalFile, str]]) -> None:
        """Remember these files and no others. What cannot be written is not remembered."""
        self._known = {}
        for file, digest in files:
            self._remember(file, digest)
        write_whole(self._file, orjson.dumps({"version": _VERSION, "files": self._known}))

    def _remember(self, file: LocalFile, digest: str) -> None:
        if time_ns() - file.mark[0] > UNSURE_NS:
            self._known[file.name] = [*file.mark, digest]

    def _load(self) -> dict[str, list[int | str]]:
        try:
            kept = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        files: dict[str, list[int | str]] = kept["files"] if kept.get("version") == _VERSION else {}
        return files
