"""The profile says what is in the table, counted by hand here."""

import math
from datetime import datetime

import numpy as np
import polars as pl

from domain.datasets.specs import ColumnProfile
from ml.profile import profile


def column(**values: object) -> ColumnProfile:
    return profile(pl.DataFrame(values, strict=False).lazy()).columns[0]


def test_numbers_leave_out_nan_and_infinity() -> None:
    facts = column(x=[1.0, 3.0, None, math.nan, math.inf])
    assert (facts.type, facts.nulls, facts.distinct) == ("number", 2, 3)
    assert (facts.minimum, facts.maximum, facts.mean) == (1.0, 3.0, 2.0)
    assert facts.quantiles["0.5"] == 2.0
    assert sum(bar.count for bar in facts.histogram) == 2
    assert (facts.histogram[0].low, facts.histogram[-1].high) == (1.0, 3.0)
    assert facts.histogram[-1].count == 1


def test_quantiles_and_histogram_agree_with_numpy() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    facts = column(x=values)
    for share, value in facts.quantiles.items():
        assert math.isclose(value, np.quantile(values, float(share)))
    assert list(facts.quantiles) == ["0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"]
    counts, _ = np.histogram(values, bins=20)
    assert [bar.count for bar in facts.histogram] == counts.tolist()


def test_few_integers_have_a_bar_each() -> None:
    facts = profile(pl.DataFrame({"x": pl.Series([-128, -128, -126, 1], dtype=pl.Int8).head(3)}).lazy()).columns[0]
    assert [(bar.low, bar.count) for bar in facts.histogram] == [(-128, 2), (-127, 0), (-126, 1)]


def test_a_constant_has_one_bar_and_nulls_have_none() -> None:
    assert [bar.count for bar in column(x=[0.5, 0.5]).histogram] == [2]
    empty = profile(pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64)}).lazy()).columns[0]
    assert (empty.nulls, empty.distinct, empty.minimum, empty.quantiles, empty.histogram) == (2, 0, None, {}, [])


def test_a_span_beyond_a_float_has_no_histogram() -> None:
    assert column(x=[-1.7e308, 1.7e308]).histogram == []


def test_text_times_and_booleans_have_top_values_the_most_frequent_first() -> None:
    text = column(count=["b", "a", "b", None, "c"])
    assert [(top.value, top.count) for top in text.top] == [("b", 2), ("a", 1), ("c", 1)]
    assert (text.nulls, text.distinct, text.minimum, text.maximum) == (1, 3, "a", "c")
    time = column(t=[datetime.fromisoformat("2024-01-02"), datetime.fromisoformat("2024-01-01")])
    assert (time.type, time.minimum) == ("datetime", "2024-01-01T00:00:00")
    assert [top.value for top in column(b=[True, True, False]).top] == ["true", "false"]


def test_rows_and_order_of_columns() -> None:
    table = profile(pl.LazyFrame({"z": [1, 2], "a": ["x", "y"]}))
    assert (table.rows, [facts.name for facts in table.columns]) == (2, ["z", "a"])
