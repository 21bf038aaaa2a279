"""One value of a prediction row, read as its column says, or refused with the exact place. Called by `ml.encoding`."""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.registry.specs import InputColumn

FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
DATE_PARTS: Final = ("year", "month", "day", "weekday", "yearday", "hour", "minute", "epoch_days")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_EXPECTED: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "datetime": "a date or time in ISO 8601",
}

Stand = TypeVar("Stand")


class NotARow(Invalid):
    code = "not_a_row"


class NoRows(Invalid):
    code = "no_rows"


class MissingColumn(Invalid):
    code = "missing_column"


class ExtraColumn(Invalid):
    code = "extra_column"


class WrongType(Invalid):
    code = "wrong_type"


class NullValue(Invalid):
    code = "null_value"


class NotFinite(Invalid):
    code = "not_finite"


class OutOfRange(Invalid):
    code = "out_of_range"


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A sentence with the near matches of `name`, or None when nothing is near."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"Did you mean {', '.join(repr(match) for match in near)}?" if near else None


def read_number(column: InputColumn, value: Any, where: str) -> float:
    """An integer, number or boolean column's value as a float; a permitted null is NaN."""
    if value is None:
        return _null(column, where, math.nan)
    if isinstance(value, (bool, np.bool_)) != (column.type == "boolean"):
        raise _wrong(column, value, where)
    if not isinstance(value, (int, float, np.bool_, np.number)):
        raise _wrong(column, value, where)
    try:
        number = float(value)
    except OverflowError:
        raise _too_large(column, where) from None
    if not math.isfinite(number):
        raise NotFinite(f"Column {column.name!r} holds {number}.", where=where, fix="Send null for a missing value.")
    if abs(number) > FLOAT32_MAX:
        raise _too_large(column, where)
    if column.type == "integer" and not number.is_integer():
        raise _wrong(column, value, where)
    return number


def read_text(column: InputColumn, value: Any, where: str, missing: str) -> str:
    """A string column's value, or a category column's value as text; a permitted null is the `missing` token."""
    if value is None:
        return _null(column, where, missing)
    if column.type == "string":
        if not isinstance(value, str):
            raise _wrong(column, value, where)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise WrongType(f"Column {column.name!r} holds text that is not valid Unicode.", where=where) from None
        return str(value)
    return number_text(column, read_number(column, value, where))


def number_text(column: InputColumn, number: float) -> str:
    """The name of a category given as a number: "3" for integers, "3.0" for numbers, "true" or "false"."""
    if column.type == "boolean":
        return "true" if number else "false"
    return str(int(number)) if column.type == "integer" else repr(number)


def read_datetime(column: InputColumn, value: Any, where: str) -> tuple[float, ...]:
    """The `DATE_PARTS` of a time. Times with an offset count as UTC, those without as they are written."""
    if value is None:
        return _null(column, where, (math.nan,) * len(DATE_PARTS))
    if isinstance(value, str):
        try:
            moment: date = datetime.fromisoformat(value)
        except ValueError:
            raise _wrong(column, value, where) from None
    elif isinstance(value, date):
        moment = value
    else:
        raise _wrong(column, value, where)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - a plain date has no zone
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise _wrong(column, value, where) from None
    ordinal = moment.toordinal()
    yearday = ordinal - date(moment.year, 1, 1).toordinal() + 1
    parts = (moment.year, moment.month, moment.day, moment.weekday(), yearday, moment.hour, moment.minute)
    return (*map(float, parts), float(ordinal - _EPOCH))


def datetime_parts(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """`read_datetime` for an array of times: [n, len(DATE_PARTS)], NaN where the time is NaT."""
    null = np.isnat(times)
    filled = np.where(null, np.datetime64(0, "s"), times)
    days = filled.astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    minutes = (filled.astype("datetime64[m]") - days).astype(np.int64)
    epoch_days = days.astype(np.int64)
    parts = (
        years.astype(np.int64) + 1970,
        months.astype(np.int64) % 12 + 1,
        (days - months).astype(np.int64) + 1,
        (epoch_days + 3) % 7,  # 1 January 1970 was a Thursday
        (days - years).astype(np.int64) + 1,
        minutes // 60,
        minutes % 60,
        epoch_days,
    )
    table = np.stack(parts, axis=1).astype(np.float64)
    table[null] = np.nan
    return table


def _null(column: InputColumn, where: str, stands_for: Stand) -> Stand:
    if not column.nullable:
        raise NullValue(
            f"Column {column.name!r} is null.", where=where, fix="The model was trained on rows without nulls here."
        )
    return stands_for


def _wrong(column: InputColumn, value: Any, where: str) -> WrongType:
    got = f"a nested {type(value).__name__}" if isinstance(value, (dict, list, tuple)) else _short(value)
    return WrongType(
        f"Column {column.name!r} must be {_EXPECTED[column.type]}, not {got}.", where=where, fix=_example(column)
    )


def _too_large(column: InputColumn, where: str) -> OutOfRange:
    return OutOfRange(f"Column {column.name!r} holds a number beyond {FLOAT32_MAX:.2g}.", where=where)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _example(column: InputColumn) -> str | None:
    return None if column.example is None else f"For example {column.example!r}."
