"""`memory://`: objects in this process, for quick tests. Gone at its end, and not shared with another one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from fsspec.implementations.memory import MemoryFileSystem

from adapters.object_store.backend import Address, Found, Parts
from adapters.object_store.credentials import StoreCredentials


class MemoryBackend:
    settings = ""
    parallel = 1
    part_size = 2**40
    most_parts = 1
    parts_in_order = True
    delete_batch = 1000

    def __init__(self, address: Address, credentials: StoreCredentials) -> None:
        self.where = f"memory://{address.bucket}"
        self._root = f"/{address.bucket}/"
        self._fs = MemoryFileSystem()

    def put(self, name: str, data: bytes) -> None:
        self._fs.pipe_file(self._root + name, data)

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        end = None if start is None else start + length
        return cast("bytes", self._fs.cat_file(self._root + name, start, end))

    def info(self, name: str) -> Found:
        found = self._fs.info(self._root + name)
        if found["type"] != "file":
            raise FileNotFoundError(name)
        return self._found(found)

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        found = self._fs.find(self._root + folder, detail=True)
        below = self._root + folder  # `find` gives an object of that name too
        return [self._found(details) for name, details in sorted(found.items()) if name.startswith(below)], None

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self._fs.store.pop(self._root + name, None)

    def begin(self, name: str, size: int) -> Parts:
        raise NotImplementedError("Nothing is too large to be put at once.")

    def _found(self, details: dict[str, Any]) -> Found:
        created: datetime | float = details["created"]  # `find` and `info` do not agree
        seconds = created if isinstance(created, float) else created.timestamp()
        return Found(details["name"].removeprefix(self._root), details["size"], seconds)
