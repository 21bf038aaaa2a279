"""`Backend`: one kind of store as `FsspecStore` drives it, request by request.

Each request is tried once, and its errors are the library's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

MIB = 2**20


class Address(NamedTuple):
    """A store's URL in parts. `account` only where an Azure URL names one."""

    scheme: str
    bucket: str
    prefix: str = ""
    account: str = ""


@dataclass(frozen=True)
class Found:
    """An object as a listing or a look at it says: full name, bytes, Unix seconds."""

    name: str
    size: int
    modified: float


class PartsLost(Exception):
    """The store dropped parts of an upload that was not complete: it has to begin again."""


class Parts(Protocol):
    """An upload in parts, begun and not yet visible."""

    def put(self, number: int, offset: int, data: bytes) -> None:
        """Part `number` of the object, from 0. Again with the same bytes is harmless."""
        ...

    def complete(self) -> None: ...

    def abort(self) -> None:
        """Leave no parts behind, where the store can be told."""
        ...


class Backend(Protocol):
    """Names are whole, without the bucket. A missing object is an error that `troubles` knows as one."""

    where: str
    """How errors name the store: its URL."""
    settings: str
    """What a person sets when the store refuses us."""
    parallel: int
    """How many requests at once."""
    part_size: int
    """Uploads above this many bytes go in parts of it."""
    most_parts: int
    parts_in_order: bool
    """Whether parts have to come one after the other."""
    delete_batch: int
    """How many objects one request deletes."""

    def put(self, name: str, data: bytes) -> None: ...

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        """The whole object, or `length` (at least 1) bytes from `start`: fewer at its end."""
        ...

    def info(self, name: str) -> Found: ...

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        """Some of what lies below `folder` (which ends with a slash, or is empty for all), and where to go on."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """At most `delete_batch` objects, of which some may not be there."""
        ...

    def begin(self, name: str, size: int) -> Parts: ...
