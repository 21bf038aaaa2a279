"""Polars streaming finds what Polars in memory finds; Spark has a suite of its own, tests/adapters/test_spark.py."""

import polars as pl
import pytest

from ml.engines import IN_MEMORY, STREAMING, Polars, Uncomputable, size_of
from tests.ml.data.engine_suites import SUITE, bikes, differences, found


def test_the_suite_covers_what_passes_fails_and_cannot_be_asked() -> None:
    results = found(IN_MEMORY, *bikes())["checks"]
    assert {(result["check"], result["verdict"]) for result in results} >= {("expression", "pass"), ("unique", "fail")}
    assert {result["check"] for result in results} == {spec.check for spec in SUITE.checks}
    assert sum(bool(result["failing_rows"]) for result in results) > 8


def test_streaming_finds_what_memory_finds() -> None:
    table, before = bikes()
    assert differences(found(IN_MEMORY, table, before), found(STREAMING, table, before)) == []


def test_differences_are_seen() -> None:
    assert differences({"a": [1.0, 2]}, {"a": [1.1, 2]}) == ["/a/0: 1.0 is not 1.1"]
    assert differences({"a": 1}, {"a": 1.0}) != []
    assert differences([1], []) != []


@pytest.mark.parametrize("engine", [IN_MEMORY, STREAMING])
class TestRows:
    def test_a_predicate_that_fails_spoils_only_itself(self, engine: Polars) -> None:
        with engine.open(pl.LazyFrame({"text": ["1", "x"]}), ["CAST(text AS INT) > 0"]) as rows:
            with pytest.raises(Uncomputable, match="conversion from `str` to `i32` failed"):
                rows.measure({"bad": rows.count(rows.where("CAST(text AS INT) > 0"))})
            assert rows.first([rows.column("text") == "x"], 10) == [[{"text": "x", "row": 1}]]
            assert rows.sample(10)["text"].to_list() == ["1", "x"]

    def test_a_sample_is_even_whatever_the_period_of_the_rows(self, engine: Polars) -> None:
        table = pl.LazyFrame({"hour": [row % 24 for row in range(24_000)]})
        with engine.open(table) as rows:
            sample = rows.sample(2_400)
            assert sample.equals(rows.sample(2_400))
        assert 2_390 <= sample.height <= 2_410
        counts = sample["hour"].value_counts()["count"]
        assert (counts.len(), counts.min() >= 90, counts.max() <= 110) == (24, True, True)  # type: ignore[operator]

    def test_names_of_columns_do_not_collide_with_ours(self, engine: Polars) -> None:
        table = pl.LazyFrame({"row": ["a", "b"], "0": [1, 2], "where 0": [5, 6]})
        with engine.open(table, ['"where 0" > 5']) as rows:
            assert rows.first([rows.where('"where 0" > 5')], 1) == [[{"row": 1, "0": 2, "where 0": 6}]]


def test_size_is_that_of_the_table_in_memory() -> None:
    table = pl.DataFrame({"n": [1, 2, 3], "small": pl.Series([1, 2, 3], dtype=pl.Int8), "text": ["", "ab", None]})
    assert size_of(table.lazy()) == 3 * (8 + 1 + 16) + 2
