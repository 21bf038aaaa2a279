"""Steps that change values where they stand: fill, clip, replace, text."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from domain.datasets.specs import ColumnType
from domain.datasets.steps import ClipStep, FillStep, ReplaceStep, Scalar, TextStep
from ml.recipes.rows import Learned, Rows, wide

Value = str | int | float | bool | datetime
_TAKES: Mapping[ColumnType, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "datetime": (str,),
}
_MEASURES: Mapping[str, Callable[[pl.Series], Any]] = {
    "mean": lambda values: float(values.cast(pl.Float64).to_numpy().mean()),
    "median": lambda values: float(np.median(values.cast(pl.Float64).to_numpy())),
    "mode": lambda values: values.mode().sort()[0],  # of several, the first in their order
}


def fill(spec: FillStep, rows: Rows) -> pl.LazyFrame:
    """Mean and median are numbers, also where the column held integers: its type does not hang on the rows."""
    filled = []
    for at, name in spec.named:
        kind = rows.need(name, at)
        column = wide(name, rows.schema[name])
        if spec.method == "forward":
            filled.append(column.forward_fill())
            continue
        if spec.method in {"mean", "median"}:
            column = column.cast(pl.Float64)
        value = rows.learned[name] if spec.learns else spec.value
        filled.append(column.fill_null(pl.lit(_fitting(value, kind if not spec.learns else None, rows, "value", name))))
    return rows.frame.with_columns(filled)


def learn_fill(spec: FillStep, rows: Rows) -> Learned:
    found = {}
    for at, name in spec.named:
        if spec.method != "mode":
            rows.need_number(name, at)
        rows.need(name, at)
        values = rows.values(name).drop_nulls()
        if values.is_empty():
            raise rows.refused(f"{name!r} has no values to learn from", at, fix="Fill it with a constant, or drop it.")
        found[name] = _MEASURES[spec.method](values)
    return found


def clip(spec: ClipStep, rows: Rows) -> pl.LazyFrame:
    """A column of integers stays one: against bounds between two integers it is brought to the inner one."""
    clipped = []
    for at, name in spec.named:
        kind = rows.need_number(name, at)
        bounds = rows.learned[name] if spec.learns else {"min": spec.min, "max": spec.max}
        low, high = bounds["min"], bounds["max"]
        if kind == "integer":
            low = None if low is None else math.ceil(max(low, -(2**63)))
            high = None if high is None else math.floor(min(high, 2**63 - 1024))
            if low is not None and high is not None and low > high:
                raise rows.refused(f"{name!r} holds integers, and none lies within the bounds", at)
        column = pl.col(name) if kind == "number" else wide(name, rows.schema[name])
        clipped.append(column.clip(low, high))
    return rows.frame.with_columns(clipped)


def learn_clip(spec: ClipStep, rows: Rows) -> Learned:
    """Quantiles that are values of the column, so that bounds of integers are integers."""
    found = {}
    shares = spec.quantiles or (0.0, 1.0)
    for at, name in spec.named:
        rows.need_number(name, at)
        values = rows.values(name).drop_nulls()
        if values.is_empty():
            raise rows.refused(f"{name!r} has no values to learn from", at)
        low, high = (values.quantile(share, interpolation="nearest") for share in shares)
        found[name] = {"min": low, "max": high}
    return found


def replace(spec: ReplaceStep, rows: Rows) -> pl.LazyFrame:
    changed = []
    for at, name in spec.named:
        kind = rows.need(name, at)
        old = [_old(text, kind, rows, name) for text in spec.values]
        new = list(spec.values.values())
        column = wide(name, rows.schema[name])
        if spec.others == "keep":
            values = [_fitting(value, kind, rows, f"values.{text}", name) for text, value in spec.values.items()]
            dtype = pl.Int64() if kind == "integer" else rows.schema[name]
            changed.append(column.replace(old, pl.Series(values, dtype=dtype, strict=False)))
            continue
        dtype = _common_type(new, rows)
        changed.append(column.replace_strict(old, pl.Series(new, dtype=dtype, strict=False), default=None))
    return rows.frame.with_columns(changed)


def text(spec: TextStep, rows: Rows) -> pl.LazyFrame:
    changed = []
    for at, name in spec.named:
        kind = rows.need(name, at)
        if kind != "string":
            raise rows.refused(f"{name!r} is {kind}, not text", at)
        column = pl.col(name)
        if spec.unicode is not None:
            column = column.str.normalize(spec.unicode)
        if spec.spaces:
            column = column.str.replace_all(r"\s+", " ")
        if spec.trim:
            column = column.str.strip_chars()
        if spec.case is not None:
            cased = {
                "lower": column.str.to_lowercase,
                "upper": column.str.to_uppercase,
                "title": column.str.to_titlecase,
            }
            column = cased[spec.case]()
        changed.append(pl.when(column != "").then(column).alias(name) if spec.empty == "null" else column)
    return rows.frame.with_columns(changed)


def _fitting(value: Any, kind: ColumnType | None, rows: Rows, at: str, name: str) -> Any:
    """The value if a column of this kind can take it; ISO text as a time. What was learned (no kind) fits."""
    if value is None or kind is None:
        return value
    if kind == "number" and type(value) is int:
        return float(value)
    if type(value) not in _TAKES[kind]:
        fix = "Cast the column first, or give a value of its type."
        raise rows.refused(f"{name!r} is {kind}, which {value!r} is not", at, fix=fix)
    return _time(value, rows, at) if kind == "datetime" else value


def _time(value: str, rows: Rows, at: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise rows.refused(f"{value!r} is not an ISO date or time", at) from None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _old(text: str, kind: ColumnType, rows: Rows, name: str) -> Value:
    """The value of the column that this text writes."""
    try:
        match kind:
            case "integer":
                return int(pl.Series([text]).cast(pl.Int64)[0])
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "datetime":
                return _time(text, rows, f"values.{text}")
            case "string":
                return text
    except (ValueError, KeyError, PolarsError):
        raise rows.refused(f"{name!r} is {kind}, which {text!r} is not", f"values.{text}") from None


def _common_type(values: list[Scalar | None], rows: Rows) -> pl.DataType:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pl.String()
    dtypes: Mapping[frozenset[type], pl.DataType] = {
        frozenset({str}): pl.String(),
        frozenset({bool}): pl.Boolean(),
        frozenset({int}): pl.Int64(),
        frozenset({float}): pl.Float64(),
        frozenset({int, float}): pl.Float64(),
    }
    dtype = dtypes.get(frozenset(kinds))
    if dtype is None:
        raise rows.refused("the new values are of more than one type", "values", fix="Write all of them as text.")
    return dtype
