"""A version fetched into a folder, in one stream: files that are there already are not fetched again."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from millrace.errors import MillraceError, Misuse
from millrace.rest.models import FileRead
from millrace.uploads import LocalFile

if TYPE_CHECKING:
    from millrace.client import Client

_HEAD = struct.Struct("<cI")
_BITE = 2**20


def wanted(folder: Path, files: list[FileRead]) -> list[FileRead]:
    """The files that are not in the folder as they are in the version. No name leads out of the folder."""
    return [file for file in files if not _is_there(_inside(folder, file.path), file)]


def fetch(
    client: Client, name: str, number: int, folder: Path, files: list[FileRead], *, on_bytes: Callable[[int], None]
) -> None:
    """Write these files; each has its MD5 verified before it has its name."""
    waiting = {file.path: file for file in files}
    url = f"/api/v1/datasets/{quote(name, safe='')}/versions/{number}/bundle"
    partial = folder / ".millrace-partial"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with client.http.stream("POST", url, json={"paths": list(waiting)}) as response:
            digest, out = md5(usedforsecurity=False), partial.open("wb")
            for kind, data in _records(response.iter_raw(_BITE)):
                if kind == b"D":
                    out.write(data)
                    digest.update(data)
                    on_bytes(len(data))
                    continue
                out.close()
                _take(partial, folder, waiting.pop(data.decode()), digest.hexdigest())
                digest, out = md5(usedforsecurity=False), partial.open("wb")
            out.close()
    except OSError as error:
        raise Misuse(f"{folder} cannot be written to: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)
    if waiting:
        raise MillraceError(f"The connection broke before {next(iter(waiting))!r}.", fix="Pull again.")


def _take(partial: Path, folder: Path, file: FileRead, digest: str) -> None:
    if digest != file.md5:
        raise MillraceError(f"{file.path!r} arrived with other bytes than it has.", fix="Pull again.")
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(target)


def _inside(folder: Path, name: str) -> Path:
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise MillraceError(f"The server named a file {name!r}, which would lie outside {folder}.")
    return folder / name


def _is_there(path: Path, file: FileRead) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return LocalFile(path, file.path, file.size).md5(lambda _: None) == file.md5


def _records(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """D, bytes of the current file, and E, its end and its path."""
    waiting = b""
    for piece in pieces:
        waiting += piece
        while len(waiting) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(waiting)
            if len(waiting) < _HEAD.size + length:
                break
            yield kind, waiting[_HEAD.size : _HEAD.size + length]
            waiting = waiting[_HEAD.size + length :]
