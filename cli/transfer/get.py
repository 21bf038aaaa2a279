"""A version fetched into a folder: what is there stays, small files come in one stream, large ones can be resumed."""

import os
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path

from adapters.chunk_store.wire import Kind, RecordReader
from cli.client import Client, ClientError
from cli.transfer.listing import File, Version, files_of, refuse_outside
from cli.transfer.tree import LocalFile, Memory, in_folder, look_at

LARGE = 8 * 2**20
"""Files from this size on are fetched one by one, and go on where they broke off."""
PARTIAL = ".partial"
BITE = 2**20


class Checkout:
    """A version and the folder it is to be in."""

    def __init__(self, client: Client, version: Version, folder: Path) -> None:
        self._client = client
        self._place = ("datasets", version["dataset"], "versions", version["number"])
        self._folder = folder
        self.files: list[File] = files_of(client, version)
        refuse_outside(folder, self.files)
        self._memory = Memory(folder)
        self._local = {file.name: file for file in in_folder(folder)} if folder.is_dir() else {}
        self._known = self._memory.unchanged(self._local.values())

    def wanted(self) -> list[File]:
        """The files that are not there as they are in the version."""
        known = self._known
        return [file for file in self.files if known.get(file["path"]) != file["md5"] and not self._is_there(file)]

    def others(self) -> list[LocalFile]:
        """The files in the folder that the version does not have."""
        named = {file["path"] for file in self.files}
        return [file for name, file in self._local.items() if name not in named]

    def fetch(self, files: list[File], on_bytes: Callable[[int], None]) -> None:
        """Write these files; each has its MD5 verified before it has its name."""
        for folder in {file["path"].rpartition("/")[0] for file in files}:
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        small = {file["path"]: file for file in files if file["size"] < LARGE}
        for path, data in self._stream(list(small), on_bytes) if small else ():
            _refuse_other(small.pop(path), md5(data, usedforsecurity=False).hexdigest())
            _write(self._folder / path, data)
            self._look_at(path)
        if small:
            raise ClientError(f"The server left out {next(iter(small))!r}.", fix="Get it again.")
        for file in files:
            if file["size"] >= LARGE:
                self._fetch_large(file, on_bytes)
                self._look_at(file["path"])

    def remember(self) -> None:
        """Note what the files are now: they need not be read to see that they have not changed."""
        there = self._local
        self._memory.keep((there[file["path"]], file["md5"]) for file in self.files if file["path"] in there)

    def _look_at(self, path: str) -> None:
        """At a file that was written, which is then what the version has."""
        self._local[path] = look_at(str(self._folder / path), path)

    def _is_there(self, file: File) -> bool:
        local = self._local.get(file["path"])
        if local is None or local.size != file["size"]:
            return False
        digest: str = file["md5"]
        return digest == (self._known.get(local.name) or self._memory.hashed(local))

    def _stream(self, paths: list[str], on_bytes: Callable[[int], None]) -> Iterator[tuple[str, bytes]]:
        records = RecordReader()
        pieces: list[memoryview] = []
        for data in self._client.bundle(*self._place, "bundle", paths=paths):
            for kind, body in records.feed(data):
                if kind is Kind.END:
                    yield bytes(body).decode(), b"".join(pieces)
                    pieces = []
                else:
                    pieces.append(body)
                    on_bytes(len(body))

    def _fetch_large(self, file: File, on_bytes: Callable[[int], None]) -> None:
        target = self._folder / file["path"]
        partial = target.with_name(target.name + PARTIAL)
        digest, done = md5(usedforsecurity=False), 0
        with partial.open("a+b") as stream:
            stream.seek(0)
            while data := stream.read(BITE):
                digest.update(data)
                done += len(data)
            on_bytes(done)
            if done < file["size"]:
                for data in self._client.download(*self._place, "content", *file["path"].split("/"), start=done):
                    stream.write(data)
                    digest.update(data)
                    on_bytes(len(data))
        try:
            _refuse_other(file, digest.hexdigest())
        except ClientError:
            partial.unlink()  # of other content, or broken: it is of no use
            raise
        partial.replace(target)


def _write(target: Path, data: bytes) -> None:
    """The file, whole: where there is one it stays until its successor is complete."""
    path = str(target)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        partial = target.with_name(target.name + PARTIAL)
        partial.write_bytes(data)
        partial.replace(target)
        return
    try:
        written = os.write(handle, data)
    finally:
        os.close(handle)
    if written != len(data):
        target.unlink()
        raise ClientError(f"{target} could not be written: is the disk full?")


def _refuse_other(file: File, digest: str) -> None:
    if digest != file["md5"]:
        raise ClientError(f"{file['path']!r} arrived with other bytes than it has.", fix="Get it again.")
