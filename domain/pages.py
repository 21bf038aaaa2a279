"""Cursor pages for lists. Queries take a `PageRequest` and return a `Page`; the cursor is opaque to callers."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from domain.db import AnySession
from domain.errors import Invalid

T = TypeVar("T")
U = TypeVar("U")


class BadCursor(Invalid):
    code = "bad_cursor"


@dataclass(frozen=True)
class PageRequest:
    """`limit` rows after `cursor` (None: from the start)."""

    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    items: list[T]
    next_cursor: str | None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        return Page([change(item) for item in self.items], self.next_cursor)


def _decode(cursor: str, cast: type[str] | type[int]) -> str | int:
    bad = BadCursor(
        "The cursor is not one this server gave out.", where="cursor", fix="Leave it out to start from the first page."
    )
    try:
        value = cast(b64decode(cursor, b"-_", validate=True).decode())
    except (ValueError, Base64Error, UnicodeDecodeError) as error:
        raise bad from error
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise bad
    return value


def paginate(
    session: AnySession,
    query: Select[T],
    request: PageRequest,
    *,
    key: InstrumentedAttribute[Any],
    cast: type[str] | type[int] = str,
    descending: bool = True,
) -> Page[T]:
    """Rows of `query` in the order of the unique column `key`."""
    if request.cursor is not None:
        after = _decode(request.cursor, cast)
        query = query.where(key < after if descending else key > after)
    query = query.order_by(key.desc() if descending else key.asc()).limit(request.limit + 1)
    rows = list(session.scalars(query))
    more = len(rows) > request.limit
    rows = rows[: request.limit]
    cursor = urlsafe_b64encode(str(getattr(rows[-1], key.key)).encode()).decode() if more else None
    return Page(rows, cursor)
