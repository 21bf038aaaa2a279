"""A push: files sent while they are read, however large; those that the server has already are only named to it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import quote

from millrace.errors import Misuse, Problem
from millrace.http import answer
from millrace.rest.api.datasets import list_dataset_files
from millrace.rest.models import FileRead, FilesRead, VersionRead

if TYPE_CHECKING:
    from millrace.client import Client

BITE = 2**20
ALONE = 64
"""So many new files go one by one; more of them are faster in one form together with those that are known."""
PUSH_TYPE = "application/vnd.millrace.push"
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class LocalFile:
    """A file, the name it is to have in the version, its size in bytes."""

    path: Path
    name: str
    size: int

    def bites(self, on_bytes: OnBytes) -> Iterator[bytes]:
        """Its bytes; raises `Misuse` when it cannot be read, or is not as large as it was."""
        read = 0
        try:
            with self.path.open("rb") as stream:
                while data := stream.read(BITE):
                    read += len(data)
                    on_bytes(len(data))
                    yield data
        except OSError as error:
            raise Misuse(f"{self.path} cannot be read: {error.strerror}.") from error
        if read != self.size:
            raise Misuse(f"{self.path} changed while it was being sent.", fix="Push it again.")

    def md5(self, on_bytes: OnBytes) -> str:
        digest = md5(usedforsecurity=False)
        for data in self.bites(on_bytes):
            digest.update(data)
        return digest.hexdigest()


def files_under(path: Path) -> list[LocalFile]:
    """The file itself, or every file below the folder by its path in there. Links to folders are not followed."""
    if path.is_file():
        return [LocalFile(path, path.name, path.stat().st_size)]
    if not path.is_dir():
        raise Misuse(f"There is no {path}.", fix=f"This is {Path.cwd()}.")
    found = [
        LocalFile(file, file.relative_to(path).as_posix(), file.stat().st_size)
        for folder, _, names in os.walk(path)
        for file in (Path(folder, name) for name in names)
        if file.is_file()
    ]
    if not found:
        raise Misuse(f"{path} has no files in it.")
    for file in found:
        if any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in file.name):
            raise Misuse(f"The name of the file {file.name!r} cannot be sent.", fix="Rename the file.")
    return sorted(found, key=lambda file: file.name)


def manifest(client: Client, name: str, number: str) -> list[FileRead]:
    """Every file of a version."""
    found = answer(list_dataset_files.sync(name, number, client=client.api))
    assert isinstance(found, FilesRead)  # noqa: S101  # 304 comes only of an If-None-Match
    return found.items


def push(
    client: Client, name: str, files: list[LocalFile], *, message: str, has_versions: bool, on_bytes: OnBytes
) -> VersionRead:
    """Make the files the next version of the dataset. `on_bytes` hears of each byte once."""
    if has_versions:
        try:
            version = _push_new(client, name, files, message=message, on_bytes=on_bytes)
        except Problem as problem:
            if problem.code != "content_gone":
                raise
        else:
            if version is not None:
                return version
    return _push_all(client, name, files, message=message, on_bytes=on_bytes)


def _push_new(
    client: Client, name: str, files: list[LocalFile], *, message: str, on_bytes: OnBytes
) -> VersionRead | None:
    """The new files one by one, then the names of all. None when that would be slower than all of them together."""
    remote = manifest(client, name, "latest")
    known, sizes = {file.md5 for file in remote}, {file.size for file in remote}
    # A file of a size that is not known is new: it is not read to find that out.
    if sum(file.size not in sizes for file in files) > min(ALONE, len(files) - 1):
        return None
    digests = {file.name: file.md5(_unheard) for file in files}
    new = [file for file in files if digests[file.name] not in known]
    if len(new) > min(ALONE, len(files) - 1):
        return None
    on_bytes(sum(file.size for file in files) - sum(file.size for file in new))
    for file in new:
        digest = digests[file.name]
        client.http.put(
            f"/dvc/{quote(name, safe='')}/files/md5/{digest[:2]}/{digest[2:]}",
            content=file.bites(on_bytes),
            headers={"Content-Type": "application/octet-stream"},
            timeout=None,
        )
    records = [_record(b"K", digests[file.name].encode() + file.name.encode()) for file in files]
    body = b"".join([*records, _record(b"M", message.encode())])
    return _send(client, name, body, PUSH_TYPE)


def _push_all(client: Client, name: str, files: list[LocalFile], *, message: str, on_bytes: OnBytes) -> VersionRead:
    """Every file in one form."""
    boundary = f"millrace-{token_hex(16)}"

    def form() -> Iterator[bytes]:
        for file in files:
            quoted = file.name.replace("\\", "\\\\").replace('"', '\\"')
            head = f'form-data; name="files"; filename="{quoted}"'
            yield f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode()
            yield from file.bites(on_bytes)
            yield b"\r\n"
        head = 'form-data; name="message"'
        yield f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n{message}\r\n--{boundary}--\r\n".encode()

    return _send(client, name, form(), f"multipart/form-data; boundary={boundary}")


def _send(client: Client, name: str, body: bytes | Iterator[bytes], media_type: str) -> VersionRead:
    url = f"/api/v1/datasets/{quote(name, safe='')}/versions"
    response = client.http.post(url, content=body, headers={"Content-Type": media_type}, timeout=None)
    return VersionRead.from_dict(response.json())


def _record(kind: bytes, data: bytes) -> bytes:
    """One record of a push: a letter, a length (32 bits, little-endian) and so many bytes."""
    return struct.pack("<cI", kind, len(data)) + data


def _unheard(_: int) -> None:
    """Reading to compare is no progress of sending."""
