"""in_range: numbers or times within bounds, both included. Nulls are not judged; NaN is out of every range."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import polars as pl

from domain.data_checks.specs import InRangeCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit, rows


def plan(spec: InRangeCheck, table: Table) -> Plan:
    table.need(spec.column)
    low, high = (_bound(bound, spec.column, table) for bound in (spec.min, spec.max))
    column, dtype = table.column(spec.column), table.schema[spec.column]
    ways_out = [column < _as_column(low, spec.column, table)] if low is not None else []
    if high is not None:
        ways_out.append(column > _as_column(high, spec.column, table))
    measures = {"low": column.min(), "high": column.max()}
    if dtype.is_float():
        ways_out.append(column.is_nan())
        numbers = column.fill_nan(None)
        measures = {"low": numbers.min(), "high": numbers.max(), "nan": column.is_nan().any()}
    outside = reduce(or_, ways_out)
    low_end = "(-∞" if spec.min is None else f"[{_shown(spec.min)}"
    limits = f"{low_end}, {'∞)' if spec.max is None else f'{_shown(spec.max)}]'}"

    def then(found: Mapping[str, Any]) -> Mapping[str, nw.Expr]:
        some = found["low"] is not None
        below = some and low is not None and found["low"] < low
        above = some and high is not None and found["high"] > high
        return {"outside": table.count(outside)} if below or above or found.get("nan") else {}

    def judge(found: Mapping[str, Any]) -> Outcome:
        seen = f"{spec.column!r} goes from {found['low']} to {found['high']}"
        count = found.get("outside", 0)
        message = f"{seen}: {rows(count)} outside of {limits}." if count else f"{seen}, within {limits}."
        return Outcome(not count, message, count, 0, failing=count, rows=outside if count else None)

    return Plan(judge, measures, then)


def _bound(bound: float | str | None, column: str, table: Table) -> float | datetime | None:
    """The bound as a value of the column's type; `Unfit` when it is of another."""
    kind = table.type_of(column)
    if kind not in ("integer", "number", "datetime"):
        raise Unfit(f"{column!r} is {kind}: a range needs numbers or times.")
    if bound is None:
        return None
    if kind != "datetime":
        if isinstance(bound, str):
            raise Unfit(f"{column!r} holds numbers, and the bound {bound!r} is text.")
        return bound
    time = _iso(bound)
    if time is None:
        raise Unfit(f"{column!r} holds times, and the bound {bound!r} is not an ISO date.")
    return time


def _as_column(bound: float | datetime, column: str, table: Table) -> nw.Expr:
    """The bound in the precision of the column: 0.1 in a column of 32-bit floats is not above 0.1."""
    value = nw.lit(table.rows.literal(bound))
    return value.cast(nw.Float32) if table.schema[column] == pl.Float32 else value


def _shown(bound: float | str) -> str:
    return f"{bound:g}" if isinstance(bound, float) else bound


def _iso(bound: float | str) -> datetime | None:
    try:
        time = datetime.fromisoformat(bound) if isinstance(bound, str) else None
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time
