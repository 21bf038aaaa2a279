"""The facts about a table that a person looks at first. Run once per dataset version by its worker."""

from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from typing import Any

import narwhals as nw
import polars as pl

from domain.datasets.specs import Bin, ColumnProfile, TableProfile, TopValue
from ml.engines import IN_MEMORY, Distinct, Engine, Measure, Rows, Tally
from ml.frames import column_type, json_safe

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HISTOGRAM_BINS = 20
TOP_VALUES = 10
MOST_WHOLE = 2**53
"""Whole numbers below this are the same as integers and as floats."""


def profile(frame: pl.LazyFrame, engine: Engine = IN_MEMORY) -> TableProfile:
    """The profile of a table, computed on `engine`; see `profile_rows`."""
    with engine.open(frame) as rows:
        return profile_rows(rows)


def profile_rows(rows: Rows) -> TableProfile:
    """Every column in three passes: the facts, the quantiles, and the histograms, whose bins need the extremes.

    NaN counts as null; infinities count as values and are left out of the statistics. A column whose span is more
    than a float can hold has no histogram.
    """
    facts = {name: _facts(rows, name) for name in rows.schema}
    wanted = {(name, fact): measure for name, of_column in facts.items() for fact, measure in of_column.items()}
    found = rows.measure({**wanted, "rows": nw.len()})
    columns = {name: {fact: found[name, fact] for fact in of_column} for name, of_column in facts.items()}
    numbers = [
        name for name, dtype in rows.schema.items() if dtype.is_numeric() and columns[name]["minimum"] is not None
    ]
    quantiles = _quantiles(rows, numbers)
    edges = {name: _edges(rows.schema[name], columns[name]) for name in numbers}
    bars = rows.measure({name: _bars(rows, name, at) for name, at in edges.items() if at})
    return TableProfile(
        rows=found["rows"],
        columns=[
            _column(rows, name, of_column, quantiles.get(name, {}), _histogram(edges.get(name, []), bars.get(name, [])))
            for name, of_column in columns.items()
        ],
    )


def _facts(rows: Rows, name: str) -> dict[str, Measure]:
    column, dtype = rows.column(name), rows.schema[name]
    facts: dict[str, Measure] = {"nulls": column.null_count(), "distinct": Distinct(column)}
    if dtype.is_float():
        facts["nan"] = rows.count(column.is_nan())
    if not dtype.is_numeric():
        return facts | {
            "minimum": column.min(),
            "maximum": column.max(),
            "top": Tally(column, ~column.is_null(), TOP_VALUES),
        }
    finite, wide = _finite(rows, name), _finite(rows, name).cast(nw.Float64)
    return facts | {"minimum": finite.min(), "maximum": finite.max(), "mean": wide.mean(), "std": wide.std()}


def _finite(rows: Rows, name: str) -> nw.Expr:
    column = rows.column(name)
    return nw.when(column.is_finite()).then(column) if rows.schema[name].is_float() else column


def _quantiles(rows: Rows, names: list[str]) -> dict[str, dict[str, float]]:
    if not names:
        return {}
    values = rows.frame.select(_finite(rows, name).cast(nw.Float64).alias(str(at)) for at, name in enumerate(names))
    found = zip(names, rows.quantiles(values, QUANTILES), strict=True)
    return {
        name: {f"{share:g}": value for share, value in zip(QUANTILES, at, strict=True) if value is not None}
        for name, at in found
    }


def _edges(dtype: pl.DataType, facts: Mapping[str, Any]) -> list[float]:
    """Bin edges from the lowest to the highest value; whole numbers get bins of whole width, each value in one bin."""
    low, high = facts["minimum"], facts["maximum"]
    if dtype.is_integer():
        width = -(-(high - low + 1) // HISTOGRAM_BINS)
        bins = (high - low) // width + 1
        return [low + width * step for step in range(int(bins) + 1)]
    if low == high:
        return [low, high]
    width = (high - low) / HISTOGRAM_BINS
    return [low + width * step for step in range(HISTOGRAM_BINS)] + [high] if isfinite(width) else []


def _bars(rows: Rows, name: str, edges: list[float]) -> Tally:
    """Rows per bin; without a value, in no bin.

    Multiplied by the inverse of the width, because that is what Polars makes of a division, and Spark does not.
    """
    low, last = edges[0], len(edges) - 2
    if rows.schema[name].is_integer() and edges[-1] - low < MOST_WHOLE and edges[-1] < 2**63:
        place = (rows.column(name).cast(nw.Int64) - low) // (edges[1] - low)
    else:
        inverse = 1 / ((edges[-1] - low) / (last + 1) or 1)
        place = ((_finite(rows, name).cast(nw.Float64) - float(low)) * inverse).floor()
    return Tally(place.clip(0, last).cast(nw.Int64))


def _histogram(edges: list[float], tally: list[tuple[int, int]]) -> list[Bin]:
    counts = dict(tally)
    return [Bin(low=low, high=high, count=counts.get(place, 0)) for place, (low, high) in enumerate(pairwise(edges))]


def _column(
    rows: Rows, name: str, found: dict[str, Any], quantiles: dict[str, float], histogram: list[Bin]
) -> ColumnProfile:
    dtype, nulls, nan = rows.schema[name], found["nulls"], found.get("nan", 0)
    as_text = (
        {} if dtype.is_numeric() else _as_text(dtype, [found["minimum"], found["maximum"], *_values(found["top"])])
    )
    return ColumnProfile(
        name=name,
        type=column_type(dtype),
        nulls=nulls + nan,
        distinct=found["distinct"] - (nulls > 0) - (nan > 0),
        minimum=as_text.get(found["minimum"], found["minimum"]),
        maximum=as_text.get(found["maximum"], found["maximum"]),
        mean=found.get("mean"),
        std=found.get("std"),
        quantiles=quantiles,
        histogram=histogram,
        top=[TopValue(value=as_text[value] or "", count=count) for value, count in found.get("top", [])],
    )


def _values(tally: list[tuple[Any, int]]) -> list[Any]:
    return [value for value, _ in tally]


def _as_text(dtype: pl.DataType, values: list[Any]) -> dict[Any, str | None]:
    """Each value as the text that JSON holds of it."""
    texts = pl.Series("value", values, dtype=dtype).to_frame().select(json_safe("value", dtype).cast(pl.String))
    return dict(zip(values, texts.to_series(), strict=True))
