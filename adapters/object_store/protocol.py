"""`ObjectStore`: what the rest of the house may ask of a store. Keys are relative paths with `/`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from domain.errors import NotFound, Unavailable


class ObjectMissing(NotFound):
    code = "object_missing"


class StoreUnavailable(Unavailable):
    code = "store_unavailable"


@dataclass(frozen=True)
class ObjectInfo:
    """`size` in bytes, `modified` in Unix seconds."""

    key: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """Whole objects by key. A `put` or `upload` is atomic: readers see the old bytes or the new ones.

    Reading a key that is not there raises ObjectMissing; a store that is away raises StoreUnavailable.
    """

    def put(self, key: str, data: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def open(self, key: str) -> BinaryIO: ...
    def get_ranges(self, wanted: Sequence[tuple[str, int, int]]) -> list[bytes]: ...
    def exists(self, key: str) -> bool: ...
    def info(self, key: str) -> ObjectInfo: ...
    def list(self, prefix: str) -> Iterator[ObjectInfo]: ...
    def delete(self, key: str) -> None: ...
    def fetch(self, key: str, path: Path) -> None: ...
    def upload(self, path: Path, key: str) -> None: ...
    def local_path(self, key: str) -> Path | None: ...
