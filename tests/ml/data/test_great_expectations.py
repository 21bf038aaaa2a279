"""Great Expectations itself beside our own checks, and its suites translated: the verdicts are the same."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import polars as pl
import pytest

from domain.data_checks.expectations import ELSEWHERE, KNOWN_TYPES
from domain.data_checks.specs import CheckResult, ExpectationSuite, GreatExpectationsCheck
from domain.data_checks.translate import translate
from ml.checks.great_expectations import run_expectations
from ml.checks.suite import run_suite
from tests.ml.data import random_expectations
from tests.ml.data.expectations import ADULTS, OF_ADULTS, OF_BIKES, bikes, column, suite


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")


def expect(table: pl.DataFrame, asked: ExpectationSuite, **more: Any) -> list[CheckResult]:
    return run_expectations(table.lazy(), GreatExpectationsCheck(suite=asked, **more))


def verdicts_of_ours(table: pl.DataFrame, asked: ExpectationSuite) -> Iterator[tuple[str, str, str]]:
    """For each expectation, translated alone: its verdict, its checks as they came out, what was remarked."""
    for expectation in asked.expectations:
        alone = translate(ExpectationSuite(expectations=[expectation]))
        results = run_suite(table.lazy(), alone.suite, lambda _: None)
        worst = max((result.verdict for result in results), key=["pass", "warn", "fail"].index, default="none")
        yield worst, " ".join(f"{result.name}: {result.message}" for result in results), str(alone.remarks)


@pytest.mark.parametrize(("table", "asked"), [(bikes(), OF_BIKES), (ADULTS, OF_ADULTS)], ids=["bikes", "adults"])
def test_a_translated_suite_gives_the_verdicts_of_the_library(table: pl.DataFrame, asked: ExpectationSuite) -> None:
    theirs = expect(table, asked)
    apart = [
        f"{result.name}: {result.verdict} ({result.message}) there, {verdict} ({said}) here; {remarks}"
        for result, (verdict, said, remarks) in zip(theirs, verdicts_of_ours(table, asked), strict=True)
        if result.verdict != verdict
    ]
    assert apart == []
    assert {result.verdict for result in theirs} >= {"pass", "fail"}


def test_no_verdict_differs_without_a_remark() -> None:
    table, asked = random_expectations.table(5), random_expectations.expectations(5, 100)
    pairs = list(zip(expect(table, asked), verdicts_of_ours(table, asked), asked.expectations, strict=True))
    apart = [
        (str(expectation), result.message, said)
        for result, (verdict, said, remarks), expectation in pairs
        if result.verdict != verdict and remarks == "[]"
    ]
    assert apart == []
    assert sum(result.verdict == verdict for result, (verdict, *_), _ in pairs) > 93
    assert 20 < sum(result.verdict == "pass" for result, *_ in pairs) < 80


def test_the_types_taken_are_those_the_library_has() -> None:
    registry = import_module("great_expectations.expectations.registry")
    assert set(registry.list_registered_expectation_implementations()) == KNOWN_TYPES | ELSEWHERE


class TestRun:
    def test_gives_one_result_per_expectation_in_the_order_of_the_suite(self) -> None:
        results = expect(ADULTS, OF_ADULTS)
        assert [result.name.partition("(")[0] for result in results] == [one.type for one in OF_ADULTS.expectations]
        assert {result.check for result in results} == {"great_expectations"}

    def test_shows_share_threshold_count_and_rows_of_what_is_unexpected(self) -> None:
        asked = suite(column("values_to_be_between", "gain", min_value=0, max_value=9_000, mostly=0.95))
        (result,) = expect(ADULTS, asked, name="team")
        assert result.name == "team: expect_column_values_to_be_between(gain)"
        assert result.verdict == "fail"
        assert result.value == pytest.approx(1 / 9)
        assert result.threshold == pytest.approx(0.05)
        assert result.failing_count == 1
        assert result.failing_rows == [{**ADULTS.row(8, named=True), "row": 8}]
        assert result.message == "1 of 10 values (11.1% of those judged) are unexpected: 14084.0."
        assert CheckResult.model_validate_json(result.model_dump_json()) == result

    def test_shows_at_most_ten_rows(self) -> None:
        (result,) = expect(bikes(), suite(column("values_to_be_between", "hr", max_value=3)))
        assert result.failing_count > 10_000
        assert [row["hr"] for row in result.failing_rows] == list(range(4, 14))
        assert result.failing_rows[0]["dteday"] == "2011-01-01T00:00:00"

    @pytest.mark.parametrize(
        ("asked", "value", "words"),
        [
            (column("mean_to_be_between", "age", max_value=1), 41.9, "Observed 41.9."),
            (("table_row_count_to_equal", {"value": 11}), 10, "Observed 10."),
            (column("distinct_values_to_be_in_set", "sex", value_set=["Male"]), None, "Unexpected: 'Female'."),
            (column("values_to_be_of_type", "age", type_="str"), "int64", "Observed int64."),
            (("table_columns_to_match_set", {"column_set": ["age"]}), None, '"unexpected": ["'),
            (
                column(
                    "quantile_values_to_be_between",
                    "age",
                    quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 1]]},
                ),
                None,
                '"quantiles": [0.5]',
            ),
            (column("most_common_value_to_be_in_set", "sex", value_set=["x"]), '["Male"]', 'Observed ["Male"]'),
        ],
    )
    def test_shows_what_was_observed(self, asked: Any, value: object, words: str) -> None:
        (result,) = expect(ADULTS, suite(asked))
        assert result.verdict == "fail"
        assert value is None or result.value == value
        assert words in result.message

    @pytest.mark.parametrize(
        ("severity", "of_check", "verdict"),
        [
            ("critical", "error", "fail"),
            ("warning", "error", "warn"),
            ("info", "error", "warn"),
            (None, "error", "fail"),
            (None, "warn", "warn"),
            ("critical", "warn", "warn"),
        ],
    )
    def test_judges_by_the_severity_of_the_expectation(self, severity: Any, of_check: str, verdict: str) -> None:
        more = {"severity": severity} if severity else {}
        (result,) = expect(ADULTS, suite(("table_row_count_to_equal", {"value": 11, **more})), severity=of_check)
        assert (result.verdict, result.severity) == (verdict, "error" if verdict == "fail" else "warn")

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            (column("values_to_not_be_null", "agee"), "There is no column 'agee'. Did you mean 'age'?"),
            (column("values_to_be_in_set", "age"), "suite.expectations.1: value_set: field required"),
            (column("values_to_be_in_set", "age", value_set=[1], valueset=[1]), "valueset: extra fields not permitted"),
            (column("values_to_be_between", "age", min_value=5, max_value=1), "min_value cannot be greater"),
            (column("values_to_match_regex", "sex", regex="("), "Invalid regular expression"),
            (column("values_to_match_like_pattern", "sex", like_pattern="a%"), "PandasExecutionEngine"),
            (column("sum_to_be_between", "sex", min_value=1), "not supported between"),
            (column("values_to_be_between", "sex", min_value=1), "must either be None or of the same type"),
        ],
    )
    def test_an_expectation_that_cannot_be_asked_fails_alone_and_says_why(self, asked: Any, words: str) -> None:
        first, broken, last = expect(ADULTS, suite(column("to_exist", "age"), asked, column("to_exist", "sex")))
        assert (first.verdict, broken.verdict, last.verdict) == ("pass", "fail", "pass")
        assert words in broken.message
        assert "\n" not in broken.message

    def test_keeps_the_digits_of_large_integers_beside_gaps(self) -> None:
        large = 2**60 + 1
        table = pl.DataFrame({"i": [large, None, 3], "u": pl.Series([2**63 + 1, None, 2], dtype=pl.UInt64)})
        found = expect(
            table,
            suite(
                column("values_to_be_in_set", "i", value_set=[large, 3]),
                column("values_to_be_in_set", "i", value_set=[large - 1, 3]),
                column("values_to_be_in_set", "u", value_set=[2**63 + 1, 2]),
            ),
        )
        assert [result.verdict for result in found] == ["pass", "fail", "pass"]

    def test_takes_odd_tables(self) -> None:
        table = pl.DataFrame(
            {
                "größe": [float("inf"), float("nan"), None],
                "a b": ["", "x", None],
                "n": pl.Series([None] * 3, dtype=pl.String),
                "i": pl.Series([None] * 3, dtype=pl.Int64),
                "t": [True, None, False],
            }
        )
        kinds = ("values_to_not_be_null", "values_to_be_unique")
        asked = suite(*(column(kind, name) for kind in kinds for name in table.columns))
        results = expect(table, asked)
        assert [result.verdict for result in results] == ["fail"] * 5 + ["pass"] * 5
        assert results[0].failing_rows[0]["größe"] is None
