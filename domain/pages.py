"""Cursor pages for lists. Queries take a `PageRequest` and return a `Page`; the cursor is opaque to callers."""

import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Double, Select, String, and_, case, literal, or_
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


def _bad_cursor() -> BadCursor:
    return BadCursor(
        "The cursor is not one this server gave out.", where="cursor", fix="Leave it out to start from the first page."
    )


def _text_of(cursor: str) -> str:
    try:
        return b64decode(cursor, b"-_", validate=True).decode()
    except (ValueError, Base64Error, UnicodeDecodeError) as error:
        raise _bad_cursor() from error


def _cursor_of(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


def _decode(cursor: str, cast: type[str] | type[int]) -> str | int:
    try:
        value = cast(_text_of(cursor))
    except ValueError as error:
        raise _bad_cursor() from error
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise _bad_cursor()
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
    return Page(rows, _cursor_of(str(getattr(rows[-1], key.key))) if more else None)


@dataclass(frozen=True)
class Order:
    """By the first of the `values` that a row has; those with none of them come last, the newest first among equals.

    Each is a number or a short text, and a row has at most one of them.
    """

    values: Sequence[ColumnElement[Any]]
    descending: bool = False


@dataclass(frozen=True)
class _Place:
    """Where a page ended: in the group of which value, at which value, at which key."""

    group: int
    value: float | str | None
    key: str


def paginate_by(
    session: AnySession, query: Select[T], request: PageRequest, order: Order, *, key: InstrumentedAttribute[Any]
) -> Page[T]:
    """Rows of `query` in an order that many of them may share, or have no place in. `key` is unique, and a text.

    A cursor holds the value where its page ended, so that a row whose value changes meanwhile moves no other.
    """
    values = order.values
    group = case(*((value.is_not(None), place) for place, value in enumerate(values)), else_=len(values))
    # The places first, by little columns; then the rows of this page.
    places = query.with_only_columns(key, group, *values)
    if request.cursor is not None:
        places = places.where(_after(_read_place(request.cursor, values), order, group, key))
    ordered = [value.desc() if order.descending else value.asc() for value in values]
    found = session.execute(places.order_by(group, *ordered, key.desc()).limit(request.limit + 1)).all()
    page = found[: request.limit]
    rows = {getattr(row, key.key): row for row in session.scalars(query.where(key.in_([one[0] for one in page])))}
    cursor = None
    if len(found) > request.limit:
        last_key, last_group, *last = page[-1]
        place = [last_group, None if last_group == len(values) else last[last_group], last_key]
        cursor = _cursor_of(json.dumps(place, ensure_ascii=False))
    return Page([rows[one[0]] for one in page], cursor)


def _after(
    place: _Place, order: Order, group: ColumnElement[int], key: InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    later = key < place.key
    if place.value is None:
        return and_(group == place.group, later)
    value = order.values[place.group]
    there = literal(place.value, String() if isinstance(place.value, str) else Double())
    beyond = value < there if order.descending else value > there
    return or_(group > place.group, and_(group == place.group, or_(beyond, and_(value == there, later))))


def _read_place(cursor: str, values: Sequence[ColumnElement[Any]]) -> _Place:
    try:
        match json.loads(_text_of(cursor)):
            case [int(group), value, str(key)] if not isinstance(group, bool) and "\0" not in key:
                if group == len(values) and value is None:
                    return _Place(group, None, key)
                if 0 <= group < len(values) and _fits(value, values[group]):
                    return _Place(group, value if isinstance(value, str) else float(value), key)
    except (ValueError, RecursionError, OverflowError) as error:
        raise _bad_cursor() from error
    raise _bad_cursor()


def _fits(value: Any, column: ColumnElement[Any]) -> bool:
    if isinstance(column.type, String):
        return isinstance(value, str) and "\0" not in value
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
