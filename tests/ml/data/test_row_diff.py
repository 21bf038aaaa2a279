"""Rows compared by key and as a multiset: what counts as changed, what is shown, and which keys are refused."""

import random
from collections import Counter
from typing import Any

import polars as pl
import pytest

from domain.datasets.specs import UnknownKeyColumn
from ml.row_diff import DuplicateKeys, NullKeys, RowChanges, Side, as_multiset, by_key


def compared(before: dict[str, Any], after: dict[str, Any], *key: str) -> RowChanges:
    return by_key(Side(1, pl.DataFrame(before)), Side(2, pl.DataFrame(after)), list(key))


def counts(change: RowChanges) -> tuple[int, int, int]:
    return change.added, change.removed, change.changed


class TestByKey:
    def test_tells_added_removed_and_changed_rows_apart(self) -> None:
        change = compared(
            {"id": [1, 2, 3], "x": [10, 20, 30], "t": ["a", "b", "c"]},
            {"id": [4, 3, 2], "x": [40, 31, 20], "t": ["d", "C", "b"]},
            "id",
        )
        assert counts(change) == (1, 1, 1)
        assert change.changes == {"x": 1, "t": 1}
        assert change.added_sample == [{"id": 4, "x": 40, "t": "d"}]
        assert change.removed_sample == [{"id": 1, "x": 10, "t": "a"}]
        (row,) = change.changed_sample
        assert (row.key, row.before, row.after) == ({"id": 3}, {"x": 30, "t": "c"}, {"x": 31, "t": "C"})

    def test_takes_a_key_of_several_columns(self) -> None:
        change = compared(
            {"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1, 2, 3]},
            {"v": [9, 2, 4], "b": ["x", "y", "y"], "a": [1, 1, 2]},
            "a",
            "b",
        )
        assert counts(change) == (1, 1, 1)

    def test_null_equals_null_and_nan_equals_nan(self) -> None:
        rows = {"id": [1, 2, 3], "x": [None, float("nan"), 1.0]}
        assert counts(compared(rows, rows, "id")) == (0, 0, 0)
        change = compared(rows, {"id": [1, 2, 3], "x": [float("nan"), None, None]}, "id")
        assert (change.changed, change.changes) == (3, {"x": 3})
        assert [(row.before["x"], row.after["x"]) for row in change.changed_sample] == [
            (None, None),  # JSON has no NaN
            (None, None),
            (1.0, None),
        ]

    def test_columns_that_one_side_does_not_have_change_no_row(self) -> None:
        assert counts(compared({"id": [1], "old": [5]}, {"id": [1], "new": [6]}, "id")) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (pl.Series([1, 2]), pl.Series([1.0, 2.0])),
            (pl.Series([1, 2], dtype=pl.Int32), pl.Series([1, 2], dtype=pl.Int64)),
            (pl.Series([2**53 + 1, 2], dtype=pl.Int64), pl.Series([2**53 + 1, 2], dtype=pl.UInt64)),
            (pl.Series([0.1, 0.7], dtype=pl.Float32), pl.Series([0.1, 0.7], dtype=pl.Float64)),
            (pl.Series([1, 2]), pl.Series(["1", "2"])),
            (pl.Series([1.5, 2.0]), pl.Series(["1.50", "2"])),
            (pl.Series([True, False]), pl.Series(["True", "false"])),
            (pl.Series([True, False]), pl.Series([1, 0])),
            (
                pl.Series([1_577_836_800_000_000, 1_577_923_200_000_000], dtype=pl.Datetime("us")),
                pl.Series(["2020-01-01", "2020-01-02"]),
            ),
        ],
    )
    def test_another_type_of_the_same_values_changes_no_row(self, before: pl.Series, after: pl.Series) -> None:
        for old, new in ((before, after), (after, before)):
            assert counts(compared({"id": [1, 2], "x": old}, {"id": [1, 2], "x": new}, "id")) == (0, 0, 0)
            assert counts(compared({"x": old}, {"x": new}, "x")) == (0, 0, 0)
            multiset = as_multiset(Side(1, pl.DataFrame({"x": old})), Side(2, pl.DataFrame({"x": new})))
            assert counts(multiset) == (0, 0, 0)

    def test_one_bad_value_that_makes_a_column_text_changes_one_row(self) -> None:
        rows = list(range(100))
        change = compared({"id": rows, "x": rows}, {"id": rows, "x": ["n/a", *map(str, rows[1:])]}, "id")
        assert (change.changed, change.changed_sample[0].after) == (1, {"x": "n/a"})

    def test_shows_the_first_ten_in_the_order_of_the_new_version(self) -> None:
        change = compared({"id": range(50), "x": [0] * 50}, {"id": range(49, -1, -1), "x": [1] * 50}, "id")
        assert [row.key["id"] for row in change.changed_sample] == list(range(49, 39, -1))

    def test_cuts_very_long_texts(self) -> None:
        change = compared({"id": [1], "t": ["a" * 5000]}, {"id": [1], "t": ["b"]}, "id")
        assert change.changed_sample[0].before["t"] == "a" * 1000 + "…"

    def test_refuses_a_column_that_is_not_there(self) -> None:
        with pytest.raises(UnknownKeyColumn, match="Version 2 has no column 'id'") as told:
            compared({"id": [1], "x": [1]}, {"x": [1]}, "id")
        assert told.value.fix == "Both versions have 'x'."

    @pytest.mark.parametrize("empty", [None, float("nan")])
    def test_refuses_rows_without_a_key(self, empty: float | None) -> None:
        with pytest.raises(NullKeys, match="Version 2 has 1 rows without a value in the key column 'id'"):
            compared({"id": [1.0, 2.0]}, {"id": [1.0, empty]}, "id")

    def test_refuses_a_key_that_names_two_rows(self) -> None:
        with pytest.raises(DuplicateKeys, match=r"Version 1 has 2 rows .* such as a=2, b='x'"):
            compared({"a": [2, 2, 2], "b": ["x"] * 3}, {"a": [1], "b": ["x"]}, "a", "b")

    def test_agrees_with_a_dictionary_whatever_moved(self) -> None:
        choose = random.Random(3)
        for _ in range(60):
            before, after = table(choose), table(choose)
            change = compared(before, after, "id")
            old, new = (dict(zip(side["id"], side["x"], strict=True)) for side in (before, after))
            changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
            assert counts(change) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()), len(changed))
            assert {row.key["id"] for row in change.changed_sample} <= changed
            assert len(change.changed_sample) == min(10, len(changed))


class TestAsMultiset:
    def test_shows_rows_that_came_and_went(self) -> None:
        before, after = pl.DataFrame({"x": [1, 2, 2, 3], "old": [0] * 4}), pl.DataFrame({"x": [2, 4, 4, 1, 1]})
        change = as_multiset(Side(1, before), Side(2, after))
        assert counts(change) == (3, 2, 0)
        assert change.added_sample == [{"x": 4}, {"x": 1}]
        assert change.removed_sample == [{"x": 2, "old": 0}, {"x": 3, "old": 0}]

    def test_agrees_with_a_counter_whatever_moved(self) -> None:
        choose = random.Random(4)
        for _ in range(60):
            before, after = ({"x": table(choose)["x"]} for _ in range(2))
            change = as_multiset(Side(1, pl.DataFrame(before)), Side(2, pl.DataFrame(after)))
            old, new = Counter(before["x"]), Counter(after["x"])
            assert counts(change) == ((new - old).total(), (old - new).total(), 0)
            assert {row["x"] for row in change.added_sample} <= set(new - old)

    def test_of_equal_columns_in_another_order_finds_nothing(self) -> None:
        before = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
        assert counts(as_multiset(Side(1, before), Side(2, before.reverse().select("b", "a")))) == (0, 0, 0)


def table(choose: random.Random) -> dict[str, list[int]]:
    """Up to 40 of 60 ids, mostly in order, with values that are often those of the other table."""
    ids = sorted(choose.sample(range(60), choose.randrange(1, 40)))
    if choose.random() < 0.3:
        choose.shuffle(ids)
    return {"id": ids, "x": [number % 5 if choose.random() < 0.8 else choose.randrange(5) for number in ids]}
