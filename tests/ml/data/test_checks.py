"""Every kind of check, passing, failing and misfitting; results as the worker stores them."""

import math
from datetime import datetime
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest

from domain.data_checks.specs import CheckResult, CheckSpec, CheckSuite
from ml.checks.suite import KINDS, run_suite

TABLE = pl.DataFrame(
    {
        "age": [10, 20, 30, -1, 120],
        "share": [0.1, 0.5, math.nan, None, 0.9],
        "city": ["Bonn", "Cork", "Bonn", None, "Lyon"],
        "member": [True, False, True, True, False],
        "at": [datetime.fromisoformat(f"2024-01-0{day}") for day in range(1, 6)],
        "row": ["a", "b", "c", "d", "d"],
    }
)


def run(*checks: dict[str, Any], table: pl.DataFrame = TABLE, before: pl.DataFrame | None = None) -> list[CheckResult]:
    suite = CheckSuite.model_validate({"checks": list(checks)})
    return run_suite(table.lazy(), suite, lambda _: before.lazy() if before is not None else None)


def test_every_kind_of_check_has_its_module() -> None:
    kinds = {member.model_fields["check"].default for member in get_args(get_args(CheckSpec)[0])}
    assert set(KINDS) == kinds - {"great_expectations"}  # a process of its own runs these


@pytest.mark.parametrize(
    "check",
    [
        {
            "check": "schema",
            "columns": {"age": "int", "share": "float", "city": "string", "member": "bool", "at": "datetime"},
        },
        {"check": "schema", "columns": {"age": "number"}},
        {"check": "not_null", "columns": ["age", "member"]},
        {"check": "not_null", "columns": ["share"], "max_share": 0.4},
        {"check": "in_range", "column": "age", "min": -1, "max": 120},
        {"check": "in_range", "column": "at", "min": "2024-01-01", "max": "2024-01-05T00:00:00Z"},
        {"check": "in_set", "column": "city", "values": ["Bonn", "Cork", "Lyon"]},
        {"check": "in_set", "column": "member", "values": [True, False]},
        {"check": "in_set", "column": "age", "values": [10, 20, 30.0, -1, 120]},
        {"check": "unique", "columns": ["age"]},
        {"check": "unique", "columns": ["city", "age"]},
        {"check": "row_count", "min": 5, "max": 5},
        {"check": "target_balance", "column": "member", "min_share": 0.4},
        {"check": "target_range", "column": "age", "min_mean": 30, "max_mean": 40},
        {"check": "leakage", "target": "share"},
        {"check": "expression", "where": "age > 5 OR member"},
        {"check": "expression", "where": "share < 1", "max_share": 0.2},
        {"check": "columns", "columns": ["at", "age"]},
        {"check": "columns", "columns": TABLE.columns, "ordered": True},
        {"check": "columns", "columns": TABLE.columns[::-1], "extra": "forbid"},
        {"check": "statistic", "column": "age", "statistic": "mean", "min": 35.8, "max": 35.8},
        {"check": "statistic", "column": "share", "statistic": "median", "min": 0.5, "max": 0.5},
        {"check": "statistic", "column": "age", "statistic": "std", "max": 49, "strict": True},
        {"check": "statistic", "column": "share", "statistic": "sum", "min": 1.5},
        {"check": "statistic", "column": "share", "statistic": "max", "max": 0.9},
        {"check": "statistic", "column": "share", "statistic": "min", "min": 0.1},
        {"check": "statistic", "column": "city", "statistic": "distinct", "min": 3, "max": 3},
        {"check": "statistic", "column": "city", "statistic": "distinct_share", "min": 0.75, "max": 0.75},
        {"check": "drift"},
    ],
)
def test_passes(check: dict[str, Any]) -> None:
    (result,) = run(check, table=TABLE.head(5))
    assert result.verdict == "pass", result.message
    assert result.failing_rows == []


@pytest.mark.parametrize(
    ("check", "value", "threshold", "rows", "words"),
    [
        ({"check": "schema", "columns": {"age": "string"}}, 1, 0, [], "'age' is integer, not string"),
        ({"check": "schema", "columns": {"agee": "int"}}, 1, 0, [], "Did you mean 'age'?"),
        ({"check": "schema", "columns": {"age": "int"}, "extra": "forbid"}, 1, 0, [], "Not declared: 'share'"),
        ({"check": "not_null", "columns": ["age", "share"]}, 0.4, 0, [2, 3], "'share' in 2 rows (40.0%)"),
        (
            {"check": "in_range", "column": "age", "min": 0, "max": 100},
            2,
            0,
            [3, 4],
            "from -1 to 120: 2 rows outside of [0, 100]",
        ),
        ({"check": "in_range", "column": "share", "max": 0.5}, 2, 0, [2, 4], "2 rows"),
        ({"check": "in_range", "column": "share", "min": 0.2}, 2, 0, [0, 2], "2 rows"),
        ({"check": "in_range", "column": "at", "min": "2024-01-02"}, 1, 0, [0], "1 row outside"),
        ({"check": "in_set", "column": "city", "values": ["Bonn"]}, 2, 0, [1, 4], "other values: 'Cork', 'Lyon'"),
        ({"check": "in_set", "column": "age", "values": [10, 20, 30]}, 2, 0, [3, 4], "other values: -1, 120"),
        ({"check": "unique", "columns": ["row"]}, 1, 0, [4], "1 row repeat"),
        ({"check": "unique", "columns": ["city", "member"]}, 1, 0, [2], "'city', 'member'"),
        ({"check": "row_count", "min": 6}, 5, 6, [], "5 rows, at least 6"),
        ({"check": "row_count", "max": 4}, 5, 4, [], "at most 4"),
        (
            {"check": "target_balance", "column": "city", "min_share": 0.3},
            0.25,
            0.3,
            [1, 4],
            "'Cork' with 25.0%; 2 are below",
        ),
        ({"check": "target_range", "column": "age", "max_mean": 30}, 35.8, 30, [], "35.8, above 30"),
        ({"check": "target_range", "column": "age", "min_mean": 40}, 35.8, 40, [], "below 40"),
        ({"check": "expression", "where": "age < 100 AND share < 0.5"}, 0.6, 0, [1, 2, 4], "3 rows (60.0%) break"),
        ({"check": "columns", "columns": ["age", "citty"]}, 1, 0, [], "'citty'. Did you mean 'city'?"),
        ({"check": "columns", "columns": ["age"], "extra": "forbid"}, 1, 0, [], "Not declared: 'share', 'city'"),
        (
            {"check": "columns", "columns": ["age", "city", "share", "member", "at", "row"], "ordered": True},
            1,
            0,
            [],
            "Column 2 is 'share', not 'city'",
        ),
        ({"check": "statistic", "column": "age", "statistic": "mean", "min": 36}, 35.8, 36, [], "35.8, below 36"),
        (
            {"check": "statistic", "column": "age", "statistic": "max", "max": 120, "strict": True},
            120,
            120,
            [],
            "not below 120",
        ),
        (
            {"check": "statistic", "column": "city", "statistic": "distinct", "min": 3, "strict": True},
            3,
            3,
            [],
            "The distinct count of 'city' is 3, not above 3",
        ),
    ],
)
def test_fails_with_value_threshold_rows_and_reason(
    check: dict[str, Any], value: float, threshold: float, rows: list[int], words: str
) -> None:
    (result,) = run(check)
    assert (result.verdict, result.threshold) == ("fail", threshold)
    assert result.value == pytest.approx(value)
    assert words in result.message
    assert [row["row"] for row in result.failing_rows] == rows
    assert result.failing_count == len(rows)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"check": "not_null", "columns": ["agee"]}, "There is no column 'agee'. Did you mean 'age'?"),
        ({"check": "unique", "columns": ["age", "qqqqq"]}, "There is no column 'qqqqq'."),
        ({"check": "in_range", "column": "city", "min": 0}, "'city' is string: a range needs numbers or times"),
        (
            {"check": "in_range", "column": "age", "min": "2024-01-01"},
            "holds numbers, and the bound '2024-01-01' is text",
        ),
        ({"check": "in_range", "column": "at", "min": 3}, "not an ISO date"),
        ({"check": "in_range", "column": "at", "min": "soon"}, "not an ISO date"),
        ({"check": "in_set", "column": "age", "values": ["10"]}, "'age' is integer, which '10' cannot be"),
        ({"check": "in_set", "column": "age", "values": [True]}, "which True cannot be"),
        ({"check": "in_set", "column": "at", "values": ["2024-01-01"]}, "'at' is datetime"),
        ({"check": "target_range", "column": "city"}, "a mean needs numbers"),
        ({"check": "statistic", "column": "city", "statistic": "mean", "min": 1}, "'city' is string: its mean needs"),
        ({"check": "statistic", "column": "aeg", "statistic": "mean", "min": 1}, "Did you mean 'age'?"),
        ({"check": "target_balance", "column": "nope"}, "There is no column 'nope'"),
        ({"check": "leakage", "target": "nope"}, "There is no column 'nope'"),
        ({"check": "drift", "columns": ["nope"]}, "There is no column 'nope'"),
        ({"check": "expression", "where": "age <"}, "cannot be parsed"),
        ({"check": "expression", "where": "ages < 3"}, "Did you mean 'age'?"),
        ({"check": "expression", "where": "city < 3"}, "does not fit the table"),
        ({"check": "expression", "where": "age IN (SELECT a FROM read_csv('x'))"}, "subquery"),
    ],
)
def test_a_check_that_does_not_fit_the_table_fails_and_says_why(check: dict[str, Any], words: str) -> None:
    (result,) = run(check)
    assert (result.verdict, result.value, result.failing_rows) == ("fail", None, [])
    assert words in result.message


def test_an_expression_that_fails_while_running_spoils_no_other_check() -> None:
    bad, good = run({"check": "expression", "where": "CAST(city AS INT) > 3"}, {"check": "row_count", "min": 1})
    assert "cannot be computed" in bad.message
    assert (bad.verdict, good.verdict) == ("fail", "pass")


def test_a_warning_is_not_a_failure_and_names_are_given_or_made() -> None:
    warned, named = run(
        {"check": "row_count", "min": 9, "severity": "warn"},
        {"check": "in_range", "column": "age", "max": 9, "name": "children only"},
    )
    assert (warned.verdict, warned.severity, warned.name) == ("warn", "warn", "row_count")
    assert (named.verdict, named.name) == ("fail", "children only")


def test_samples_are_json_at_most_ten_and_carry_their_place() -> None:
    table = pl.DataFrame({"x": [math.nan] * 30, "at": [datetime.fromisoformat("2024-01-01")] * 30})
    (result,) = run({"check": "not_null", "columns": ["x"]}, table=table)
    assert (result.failing_count, len(result.failing_rows)) == (30, 10)
    assert result.failing_rows[9] == {"x": None, "at": "2024-01-01T00:00:00", "row": 9}
    assert result.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(("values", "words"), [(["x", "x"], "one class, 'x'"), ([None, None], "no values")])
def test_a_target_without_two_classes_fails(values: list[str | None], words: str) -> None:
    table = pl.DataFrame({"y": pl.Series(values, dtype=pl.String)})
    (result,) = run({"check": "target_balance", "column": "y", "min_share": 0.0}, table=table)
    assert (result.verdict, words in result.message) == ("fail", True)


@pytest.mark.parametrize(("values", "words"), [([2.0, 2.0], "2 in every row"), ([math.nan, None], "no values")])
def test_a_numeric_target_that_does_not_vary_fails(values: list[float | None], words: str) -> None:
    (result,) = run({"check": "target_range", "column": "y"}, table=pl.DataFrame({"y": values}))
    assert (result.verdict, words in result.message) == ("fail", True)


def test_an_empty_suite_has_no_results() -> None:
    assert run() == []


class TestLeakage:
    random = np.random.default_rng(0)
    label = random.choice(["no", "yes"], 500)
    table = pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(500)],
            "noise": random.normal(size=500),
            "copy": np.char.upper(label),
            "label": label,
        }
    )

    def test_names_the_column_that_gives_the_target_away(self) -> None:
        (result,) = run({"check": "leakage", "target": "label"}, table=self.table)
        assert result.verdict == "fail"
        assert "'copy'" in result.message
        assert "'id'" not in result.message

    def test_ignores_what_it_is_told_to(self) -> None:
        (result,) = run({"check": "leakage", "target": "label", "ignore": ["copy"]}, table=self.table)
        assert result.verdict == "pass"
        (alone,) = run({"check": "leakage", "target": "label"}, table=self.table.select("label"))
        assert alone.verdict == "pass"


class TestDrift:
    random = np.random.default_rng(4)
    before = pl.DataFrame({"x": random.normal(size=3000), "kind": random.choice(["a", "b"], 3000)})
    same = pl.DataFrame({"x": random.normal(size=1000), "kind": random.choice(["a", "b"], 1000)})
    moved = same.with_columns(pl.col("x") + 1, kind=pl.lit("a"))

    @pytest.mark.parametrize("method", ["auto", "psi", "js", "kl", "ks", "chi2", "wasserstein"])
    def test_every_method_tells_moved_from_same(self, method: str) -> None:
        check = {"check": "drift", "method": method}
        (quiet,), (loud,) = (
            run(check, table=self.same, before=self.before),
            run(check, table=self.moved, before=self.before),
        )
        assert (quiet.verdict, loud.verdict) == ("pass", "fail"), (quiet.message, loud.message)
        assert "'x'" in loud.message
        assert ("'kind'" in loud.message) == (method not in ("ks", "wasserstein"))

    def test_the_threshold_is_by_n_unless_given(self) -> None:
        few = self.same.head(30)
        (by_n,) = run({"check": "drift", "columns": ["x"]}, table=few, before=self.before)
        assert isinstance(by_n.threshold, float)
        assert by_n.threshold > 0.5
        (given,) = run({"check": "drift", "columns": ["x"], "max_effect": 0.0}, table=few, before=self.before)
        assert (given.verdict, given.threshold) == ("fail", 0.0)

    def test_passes_without_an_earlier_version_and_says_so(self) -> None:
        (result,) = run({"check": "drift"}, table=self.same)
        assert (result.verdict, result.message) == ("pass", "There is no earlier version to compare with.")

    @pytest.mark.parametrize(
        ("check", "before", "words"),
        [
            ({"method": "ks", "columns": ["kind"]}, before, "ks needs numbers"),
            ({"columns": ["kind"]}, before.drop("kind"), "The other version has no column 'kind'"),
            ({"columns": ["x"]}, before.with_columns(pl.col("x").cast(pl.String)), "another type"),
        ],
    )
    def test_fails_on_columns_it_cannot_judge(self, check: dict[str, Any], before: pl.DataFrame, words: str) -> None:
        (result,) = run({"check": "drift", **check}, table=self.same, before=before)
        assert (result.verdict, words in result.message) == ("fail", True), result.message

    def test_tables_without_a_common_column_have_nothing_to_compare(self) -> None:
        (result,) = run({"check": "drift"}, table=self.same, before=pl.DataFrame({"other": [1]}))
        assert (result.verdict, "No column" in result.message) == ("pass", True)
