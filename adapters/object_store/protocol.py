"""`ObjectStore`: what the rest of the house may ask of a store, and how a store says no.

Keys are relative paths with `/`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from domain.errors import Conflict, Forbidden, NotFound, Unavailable


class ObjectMissing(NotFound):
    code = "object_missing"


class StoreUnavailable(Unavailable):
    """The store is away, or was until we gave up. Trying again may help."""

    code = "store_unavailable"


class StoreFull(StoreUnavailable):
    """There is no room for the bytes. What was there before is still there."""

    code = "store_full"


class StoreForbidden(Forbidden):
    """Credentials are missing or refused. `fix` names the settings, never what is in them."""

    code = "store_forbidden"


class StoreDamaged(Conflict):
    """The store has fewer bytes of an object than it must have. Reading again does not help."""

    code = "store_damaged"


@dataclass(frozen=True)
class ObjectInfo:
    """`size` in bytes, `modified` in Unix seconds."""

    key: str
    size: int
    modified: float


Range = tuple[str, int, int]
"""A key, the first byte, and how many."""


class ObjectStore(Protocol):
    """Whole objects by key, and parts of them.

    A `put` or `upload` is atomic: readers see the old bytes or the new ones, and one that fails leaves the old ones.
    `fetch` is atomic on this side: the file appears when it is whole. `list` gives what lies below a folder, in no
    promised order, page by page where the store has pages. Deleting what is not there is no error.

    Raises ObjectMissing for a key that is not there, BadKey for one that cannot be, StoreUnavailable when the store is
    away, StoreForbidden when it refuses us, StoreFull when it has no room, StoreDamaged for a range past the end.
    """

    def put(self, key: str, data: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`."""
        ...

    def get_ranges(self, wanted: Sequence[Range]) -> list[bytes]:
        """As many `get_range` in one go, in the order asked; in parallel where the store is far away."""
        ...

    def open(self, key: str) -> BinaryIO: ...
    def exists(self, key: str) -> bool: ...
    def info(self, key: str) -> ObjectInfo: ...
    def list(self, prefix: str) -> Iterator[ObjectInfo]: ...
    def delete(self, key: str) -> None: ...
    def delete_many(self, keys: Iterable[str]) -> None: ...
    def fetch(self, key: str, path: Path) -> None: ...
    def upload(self, path: Path, key: str) -> None: ...
    def local_path(self, key: str) -> Path | None: ...
