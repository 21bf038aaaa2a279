"""Two versions compared: rows as multisets, columns by name, shifts by the measures of monitoring."""

import numpy as np
import polars as pl
import pytest

from ml.diff import diff

BEFORE = pl.LazyFrame({"id": [1, 2, 2, 3], "word": ["a", "b", "b", None]})


def test_counts_rows_as_a_multiset() -> None:
    after = pl.LazyFrame({"id": [3, 2, 1, 1, 4], "word": [None, "b", "a", "a", "d"]})
    change = diff(BEFORE, after, 1, 2)
    assert (change.rows_before, change.rows_after, change.rows_added, change.rows_removed) == (4, 5, 2, 1)


def test_a_reordered_table_is_the_same_table() -> None:
    change = diff(BEFORE, BEFORE.reverse().select("word", "id"), 1, 2)
    assert (change.rows_added, change.rows_removed) == (0, 0)


def test_names_added_removed_and_retyped_columns() -> None:
    after = pl.LazyFrame({"id": [1.0, 2.0, 2.0, 3.0], "new": [1, 1, 1, 1]})
    change = diff(BEFORE, after, 1, 2)
    assert (change.columns_added, change.columns_removed) == (["new"], ["word"])
    assert change.columns_retyped == {"id": ("integer", "number")}
    assert (change.rows_added, change.rows_removed) == (0, 0)


def test_text_of_a_number_is_that_number_retyped() -> None:
    change = diff(pl.LazyFrame({"x": [1, 2]}), pl.LazyFrame({"x": ["1", "5"]}), 1, 2)
    assert (change.rows_added, change.rows_removed, change.shifts[0].psi) == (1, 1, None)


def test_tables_without_a_common_column_share_no_row() -> None:
    change = diff(pl.LazyFrame({"a": [1]}), pl.LazyFrame({"b": [1, 2]}), 1, 2)
    assert (change.rows_added, change.rows_removed, change.shifts) == (2, 1, [])


def test_shifts_say_how_far_each_column_moved() -> None:
    random = np.random.default_rng(0)
    before = pl.LazyFrame({"moved": random.normal(0, 1, 2000), "still": random.normal(0, 1, 2000)})
    after = pl.LazyFrame({"moved": random.normal(2, 1, 2000), "still": random.normal(0, 1, 2000)})
    moved, still = diff(before, after, 1, 2).shifts
    assert (moved.psi or 0) > 2
    assert still.psi == pytest.approx(0, abs=0.02)
    assert moved.mean_after == pytest.approx(2, abs=0.1)
