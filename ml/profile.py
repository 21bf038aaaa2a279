"""The facts about a table that a person looks at first. Run once per dataset version by its worker."""

from itertools import pairwise
from math import isfinite
from typing import Any

import polars as pl

from domain.datasets.specs import Bin, ColumnProfile, ColumnType, TableProfile, TopValue
from ml.frames import column_type, json_safe

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HISTOGRAM_BINS = 20
TOP_VALUES = 10


def profile(frame: pl.LazyFrame) -> TableProfile:
    """Every column in two passes: one for all the facts, one for the histograms, whose bins need the extremes.

    NaN counts as null; infinities count as values and are left out of the statistics. A column whose span is more
    than a float can hold has no histogram.
    """
    columns = frame.collect_schema()
    wanted = [_facts(name, dtype).alias(str(place)) for place, (name, dtype) in enumerate(columns.items())]
    *facts, rows = frame.select(*wanted, pl.len().alias("rows")).collect().row(0)
    edges: dict[int, list[float]] = {}
    for place, (dtype, found) in enumerate(zip(columns.dtypes(), facts, strict=True)):
        if dtype.is_numeric() and found["minimum"] is not None:
            edges[place] = _edges(found["minimum"], found["maximum"], whole=dtype.is_integer())
    bars = [_bars(columns.names()[place], at).alias(str(place)) for place, at in edges.items() if at]
    tallies = frame.select(bars).collect().row(0, named=True) if bars else {}
    return TableProfile(
        rows=rows,
        columns=[
            _column(name, column_type(dtype), found, _histogram(edges.get(place, []), tallies.get(str(place), [])))
            for place, ((name, dtype), found) in enumerate(zip(columns.items(), facts, strict=True))
        ],
    )


def _facts(name: str, dtype: pl.DataType) -> pl.Expr:
    """One struct of aggregates about a column."""
    column = pl.col(name)
    values = column.drop_nans().drop_nulls() if dtype.is_float() else column.drop_nulls()
    facts = {"nulls": pl.len() - values.len(), "distinct": values.n_unique()}
    if dtype.is_numeric():
        finite = values.filter(values.is_finite()) if dtype.is_float() else values
        facts |= {"minimum": finite.min(), "maximum": finite.max(), "mean": finite.mean(), "std": finite.std()}
        facts |= {"quantiles": finite.quantile(list(QUANTILES), "linear")}
    else:
        text = json_safe(name, dtype).cast(pl.String).drop_nulls()
        facts |= {"minimum": text.min(), "maximum": text.max()}
        count, value = pl.element().struct["count"], pl.element().struct["value"]
        by_count = pl.element().sort_by(count, value, descending=[True, False]).head(TOP_VALUES)
        facts |= {"top": text.alias("value").value_counts(name="count").implode().list.eval(by_count)}
    return pl.struct(fact.alias(name) for name, fact in facts.items())


def _edges(low: float, high: float, *, whole: bool) -> list[float]:
    """Bin edges from `low` to `high`; whole numbers get bins of whole width, each value in one bin at most."""
    if whole:
        width = -(-(high - low + 1) // HISTOGRAM_BINS)
        bins = (high - low) // width + 1
        return [low + width * step for step in range(int(bins) + 1)]
    if low == high:
        return [low, high]
    width = (high - low) / HISTOGRAM_BINS
    return [low + width * step for step in range(HISTOGRAM_BINS)] + [high] if isfinite(width) else []


def _bars(name: str, edges: list[float]) -> pl.Expr:
    """Rows per bin, as one list of `{bin, count}`."""
    column = pl.col(name).cast(pl.Float64)
    place = ((column - edges[0]) / ((edges[-1] - edges[0]) / (len(edges) - 1) or 1)).floor()
    inside = place.filter(column.is_finite()).clip(0, len(edges) - 2).cast(pl.Int64)
    return inside.alias("bin").value_counts(name="count").implode()


def _histogram(edges: list[float], tally: list[dict[str, Any]]) -> list[Bin]:
    counts = {bar["bin"]: bar["count"] for bar in tally}
    return [Bin(low=low, high=high, count=counts.get(place, 0)) for place, (low, high) in enumerate(pairwise(edges))]


def _column(name: str, kind: ColumnType, found: dict[str, Any], histogram: list[Bin]) -> ColumnProfile:
    at = zip(QUANTILES, found.get("quantiles", []), strict=False)
    return ColumnProfile(
        name=name,
        type=kind,
        nulls=found["nulls"],
        distinct=found["distinct"],
        minimum=found["minimum"],
        maximum=found["maximum"],
        mean=found.get("mean"),
        std=found.get("std"),
        quantiles={f"{share:g}": value for share, value in at if value is not None},
        histogram=histogram,
        top=[TopValue(**pair) for pair in found.get("top", [])],
    )
