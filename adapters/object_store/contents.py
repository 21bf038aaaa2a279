"""`Contents`: bytes under their MD5, laid out as DVC does (`files/md5/ab/cdef…`), so equal content is kept once."""

import os
import tempfile
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from adapters.object_store.protocol import ObjectStore
from domain.datasets.manifest import StoredContent, content_key, md5_of
from domain.errors import Invalid


class WrongDigest(Invalid):
    """The bytes are not those of the MD5 they were sent under."""

    code = "wrong_md5"

    def __init__(self, expected: str, found: str) -> None:
        what = f"The bytes that arrived have the MD5 {found}, not {expected}."
        super().__init__(
            what, where="body", fix="Send it again; if it happens again, the file at the sender is damaged."
        )


class ContentSink:
    """Takes bytes as they arrive; `close` files them under their MD5, `abort` leaves nothing behind."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._hash = md5(usedforsecurity=False)
        self._size = 0
        handle, name = tempfile.mkstemp(prefix="millrace-upload-", dir=_scratch(store))
        self._path = Path(name)
        self._file: BinaryIO = os.fdopen(handle, "wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)

    def close(self, expect: str | None = None) -> StoredContent:
        """File the bytes; `WrongDigest`, and nothing is left behind, when their MD5 is not the one to `expect`."""
        self._file.close()
        stored = StoredContent(self._hash.hexdigest(), self._size)
        if expect is not None and stored.md5 != expect:
            self._path.unlink(missing_ok=True)
            raise WrongDigest(expect, stored.md5)
        key = content_key(stored.md5)
        try:
            if not self._store.exists(key):
                target = self._store.local_path(key)
                if target is None:
                    self._store.upload(self._path, key)
                else:  # the same disk: a rename instead of a second copy
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._path.replace(target)
        finally:
            self._path.unlink(missing_ok=True)
        return stored

    def abort(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Contents:
    """The content-addressed part of the data store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def sink(self) -> ContentSink:
        return ContentSink(self._store)

    def add(self, data: bytes) -> StoredContent:
        return self._drain(BytesIO(data))

    def put_listing(self, data: bytes) -> str:
        """Keep the listing of a folder (DVC's `.dir` object); its digest is its MD5 with `.dir` behind it."""
        digest = f"{md5_of(data)}.dir"
        self._store.put(content_key(digest), data)
        return digest

    def add_file(self, path: Path) -> StoredContent:
        with path.open("rb") as file:
            return self._drain(file)

    def exists(self, digest: str) -> bool:
        return self._store.exists(content_key(digest))

    def size(self, digest: str) -> int:
        return self._store.info(content_key(digest)).size

    def open(self, digest: str) -> BinaryIO:
        return self._store.open(content_key(digest))

    def read(self, digest: str) -> bytes:
        return self._store.get(content_key(digest))

    def fetch(self, digest: str, path: Path) -> None:
        self._store.fetch(content_key(digest), path)

    def local_path(self, digest: str) -> Path | None:
        """Where the bytes lie when the store is a folder of this machine: nothing needs to be copied."""
        return self._store.local_path(content_key(digest))

    def _drain(self, source: BinaryIO) -> StoredContent:
        sink = self.sink()
        try:
            while chunk := source.read(2**20):
                sink.write(chunk)
        except BaseException:
            sink.abort()
            raise
        return sink.close()


def _scratch(store: ObjectStore) -> Path | None:
    """Where an upload grows: beside the store when it is local, so that filing it is a rename."""
    beside = store.local_path(".incoming")
    return beside if beside is not None and beside.is_dir() else None
