"""Derived tables: the same rows for the same inputs, and a clear refusal when they do not fit together."""

from datetime import UTC, datetime

import polars as pl
import pytest

from domain.datasets.specs import RecipeSource
from ml.frames import BadColumns, EmptyTable
from ml.predicates import BadExpression
from ml.recipes.build import build
from ml.recipes.rows import ColumnsDiffer
from ml.recipes.traffic import join_truth

ONE = pl.LazyFrame({"id": [1, 2], "x": [1, 2]})


def recipe(**more: object) -> RecipeSource:
    return RecipeSource.model_validate({"concat": ["a@1", "b"], **more})


class TestBuild:
    def test_puts_rows_below_each_other_in_the_order_of_the_first_columns(self) -> None:
        table = build([ONE, pl.LazyFrame({"x": [3.5], "id": [3]})], recipe()).rows
        assert table.rows() == [(1, 1.0), (2, 2.0), (3, 3.5)]

    def test_filters_then_keeps_the_last_of_equal_keys(self) -> None:
        table = build(
            [ONE, pl.LazyFrame({"id": [2, 1, 4], "x": [20, 99, 4]})], recipe(where="x < 50", unique=["id"])
        ).rows
        assert table.rows() == [(1, 1), (2, 20), (4, 4)]

    @pytest.mark.parametrize(
        ("second", "words"),
        [
            ({"id": [1]}, "b lacks the column 'x', which a@1 has"),
            ({"id": [1], "x": [1], "y": [1]}, "b has the column 'y', which a@1 lacks"),
            ({"id": [1], "x": ["one"]}, "'x' is string in b and integer in a@1"),
        ],
    )
    def test_refuses_other_columns(self, second: dict[str, list[object]], words: str) -> None:
        with pytest.raises(ColumnsDiffer, match=words):
            build([ONE, pl.LazyFrame(second)], recipe())

    def test_refuses_a_bad_condition_an_unknown_key_and_an_empty_result(self) -> None:
        with pytest.raises(BadExpression):
            build([ONE, ONE], recipe(where="y > 1"))
        with pytest.raises(BadColumns, match="'key'"):
            build([ONE, ONE], recipe(unique=["key"]))
        with pytest.raises(EmptyTable):
            build([ONE, ONE], recipe(where="x > 10"))


class TestJoinTruth:
    AT = datetime(2024, 1, 1, tzinfo=UTC)

    def predictions(self, **changed: object) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "id": ["c", "a", "b"],
                "at": [self.AT] * 3,
                "inputs": [{"temp": 3.0, "city": "C"}, {"temp": 1.0, "city": "A"}, {"temp": 2.0, "city": "B"}],
                "extra": ['{"user": 7, "note": {"k": 1}}', None, '{"user": 8.5, "temp": 99, "cnt": 0}'],
                **changed,
            }
        )

    def test_joins_inputs_extra_target_id_and_time_ordered_by_id(self) -> None:
        truth = pl.DataFrame({"id": ["c", "b", "zzz", "b"], "value": [30, 1, 5, 20]})
        table = join_truth(self.predictions(), truth, "cnt")
        assert table.columns == ["temp", "city", "note", "user", "cnt", "prediction_id", "predicted_at"]
        assert table.rows() == [
            (2.0, "B", None, 8.5, 20, "b", self.AT),
            (3.0, "C", '{"k": 1}', 7.0, 30, "c", self.AT),
        ]

    def test_needs_no_extra(self) -> None:
        empty = self.predictions(extra=pl.Series([None] * 3, dtype=pl.String))
        table = join_truth(empty, pl.DataFrame({"id": ["a"], "value": ["yes"]}), "label")
        assert table.rows() == [(1.0, "A", "yes", "a", self.AT)]

    @pytest.mark.parametrize("target", ["temp", "city"])
    def test_refuses_a_target_that_is_an_input(self, target: str) -> None:
        with pytest.raises(ColumnsDiffer, match=target):
            join_truth(self.predictions(), pl.DataFrame({"id": ["a"], "value": [1]}), target)

    def test_refuses_traffic_without_truth(self) -> None:
        with pytest.raises(EmptyTable):
            join_truth(self.predictions(), pl.DataFrame({"id": ["x"], "value": [1]}), "cnt")
