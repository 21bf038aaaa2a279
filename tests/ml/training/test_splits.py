"""Splits are deterministic partitions; row hashes recognise content, not order or type."""

import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from domain.training.specs import SplitSpec
from ml.splits import CannotSplit, Split, row_hashes, split

FRAME = pl.DataFrame({"day": list(range(100, 0, -1)), "y": ["rare"] * 10 + ["common"] * 90})


def parts_of(frame: pl.DataFrame, spec: SplitSpec, seed: int = 0) -> Split:
    return split(frame, spec, "y", "classification", seed)


@pytest.mark.parametrize("method", ["random", "stratified", "time"])
def test_parts_hold_every_row_once(method: str) -> None:
    parts = parts_of(FRAME, SplitSpec.model_validate({"method": method, "column": "day" if method == "time" else None}))
    assert sorted(np.concatenate([parts.train, parts.validation, parts.test])) == list(range(100))
    assert [len(parts.train), len(parts.validation), len(parts.test)] == pytest.approx([65, 15, 20], abs=1)


def test_same_seed_gives_the_same_parts_and_another_others() -> None:
    assert parts_of(FRAME, SplitSpec(), 1).test.tolist() == parts_of(FRAME, SplitSpec(), 1).test.tolist()
    assert parts_of(FRAME, SplitSpec(), 1).test.tolist() != parts_of(FRAME, SplitSpec(), 2).test.tolist()


def test_stratified_keeps_the_shares() -> None:
    parts = parts_of(FRAME, SplitSpec(method="stratified"))
    assert FRAME["y"][parts.test].value_counts().sort("count")["count"].to_list() == [2, 18]


def test_time_takes_the_latest_rows_for_test() -> None:
    parts = parts_of(FRAME, SplitSpec(method="time", column="day"))
    days = FRAME["day"].to_numpy()
    assert (
        days[parts.train].max() < days[parts.validation].min() <= days[parts.validation].max() < days[parts.test].min()
    )


@pytest.mark.parametrize(
    ("frame", "spec", "where"),
    [
        (FRAME.head(2), SplitSpec(), "split"),
        (FRAME[[0, 1, *range(10, 100)]], SplitSpec(method="stratified"), "target"),
        (FRAME, SplitSpec(method="stratified", column="days"), "split.column"),
        (FRAME, SplitSpec(method="time", column="dya"), "split.column"),
        (FRAME.with_columns(day=None), SplitSpec(method="time", column="day"), "split.column"),
    ],
)
def test_refuses_what_cannot_be_split(frame: pl.DataFrame, spec: SplitSpec, where: str) -> None:
    with pytest.raises(CannotSplit) as refused:
        parts_of(frame, spec)
    assert refused.value.where == where


def test_stratified_regression_needs_a_column() -> None:
    with pytest.raises(CannotSplit):
        split(FRAME, SplitSpec(method="stratified"), "day", "regression", 0)


class TestRowHashes:
    def test_are_fixed_for_ever(self) -> None:
        frame = pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [datetime(2020, 1, 1, tzinfo=UTC), None]})
        program = (
            "import polars as pl; from datetime import *; from ml.splits import row_hashes;"
            "f = pl.DataFrame({'a': [1, None], 'b': ['x', None], 'c': [datetime(2020, 1, 1, tzinfo=UTC), None]});"
            "print(row_hashes(f, ['a', 'b', 'c']).tolist())"
        )
        elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert elsewhere.stdout.strip() == str(row_hashes(frame, ["a", "b", "c"]).tolist())

    def test_know_a_number_in_another_type_and_columns_in_another_order(self) -> None:
        whole, real = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
        assert row_hashes(whole, ["a", "b"]).tolist() == row_hashes(real, ["b", "a"]).tolist()

    @pytest.mark.parametrize(
        ("one", "other"),
        [([1.0], [1.5]), (["a"], ["b"]), ([None], [0.0]), ([""], [None]), ([True], [False])],
    )
    def test_tell_values_apart(self, one: list[object], other: list[object]) -> None:
        dtype = pl.Series(one + other).dtype
        hashes = [row_hashes(pl.DataFrame({"a": pl.Series(v, dtype=dtype)}), ["a"])[0] for v in (one, other)]
        assert hashes[0] != hashes[1]

    def test_tell_apart_which_column_holds_a_value(self) -> None:
        frame = pl.DataFrame({"a": ["x", "y"], "b": ["y", "x"]})
        assert len(set(row_hashes(frame, ["a", "b"]).tolist())) == 2

    def test_treat_nan_as_null_and_minus_zero_as_zero(self) -> None:
        frame = pl.DataFrame({"a": [float("nan"), None, 0.0, -0.0]})
        first, second, third, fourth = row_hashes(frame, ["a"]).tolist()
        assert first == second != third == fourth

    def test_hash_dates_by_their_moment(self) -> None:
        days = pl.DataFrame({"d": [date(2020, 1, 1), date(2020, 1, 2)]})
        assert row_hashes(days, ["d"]).tolist() == row_hashes(days.cast(pl.Datetime("ms")), ["d"]).tolist()
        assert len(set(row_hashes(days, ["d"]).tolist())) == 2
