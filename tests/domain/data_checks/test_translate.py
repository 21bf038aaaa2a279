"""Suites of Great Expectations as checks of our own: what they become, and what is said where they cannot."""

from typing import Any

import pytest

from domain.data_checks.expectations import KNOWN_TYPES
from domain.data_checks.specs import ExpectationSuite
from domain.data_checks.translate import Translation, translate


def translated(kind: str, /, description: str | None = None, severity: str | None = None, **kwargs: Any) -> Translation:
    expectation = {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity, "description": description}
    return translate(ExpectationSuite.model_validate({"name": "s", "expectations": [expectation]}))


def checks_of(found: Translation) -> list[dict[str, Any]]:
    return [{"check": check.check} | check.model_dump(exclude_defaults=True) for check in found.suite.checks]


class TestTranslate:
    @pytest.mark.parametrize(
        ("kind", "kwargs", "checks"),
        [
            ("table_row_count_to_equal", {"value": 3}, [{"check": "row_count", "min": 3, "max": 3}]),
            (
                "table_row_count_to_be_between",
                {"min_value": 3, "max_value": 9, "strict_min": True, "strict_max": True},
                [{"check": "row_count", "min": 4, "max": 8}],
            ),
            (
                "column_values_to_be_between",
                {"column": "a", "max_value": 9},
                [{"check": "in_range", "column": "a", "max": 9.0}],
            ),
            (
                "column_values_to_be_in_set",
                {"column": "a", "value_set": ["x", None]},
                [{"check": "in_set", "column": "a", "values": ["x"]}],
            ),
            (
                "column_values_to_not_be_null",
                {"column": "a", "mostly": 0.9},
                [{"check": "not_null", "columns": ["a"], "max_share": 0.1}],
            ),
            (
                "column_values_to_be_null",
                {"column": 'a"b', "mostly": 0.95},
                [
                    {
                        "check": "expression",
                        "name": 'expect_column_values_to_be_null(a"b)',
                        "where": '"a""b" IS NULL',
                        "max_share": 0.05,
                    }
                ],
            ),
            (
                "column_max_to_be_between",
                {"column": "at", "max_value": "2024-01-01"},
                [{"check": "in_range", "column": "at", "max": "2024-01-01"}],
            ),
            (
                "column_mean_to_be_between",
                {"column": "a", "min_value": 1, "strict_min": True, "max_value": 2},
                [
                    {"check": "statistic", "column": "a", "statistic": "mean", "min": 1.0, "strict": True},
                    {"check": "statistic", "column": "a", "statistic": "mean", "max": 2.0},
                ],
            ),
            (
                "column_values_to_be_in_type_list",
                {"column": "a", "type_list": ["int64", "Int64Dtype", "INTEGER", "float32"]},
                [{"check": "schema", "columns": {"a": "number"}}],
            ),
            (
                "column_values_to_match_like_pattern",
                {"column": "a", "like_pattern": "it's%"},
                [
                    {
                        "check": "expression",
                        "name": "expect_column_values_to_match_like_pattern(a)",
                        "where": "\"a\" LIKE 'it''s%'",
                    }
                ],
            ),
        ],
    )
    def test_says_the_same_with_our_checks(self, kind: str, kwargs: Any, checks: list[dict[str, Any]]) -> None:
        found = translated(kind, **kwargs)
        assert checks_of(found) == checks
        assert (found.translated, found.rest) == (1, None)

    @pytest.mark.parametrize(
        ("severity", "ours"), [("critical", "error"), (None, "error"), ("warning", "warn"), ("info", "warn")]
    )
    def test_keeps_severity_and_description(self, severity: str | None, ours: str) -> None:
        found = translated("column_to_exist", column="a", severity=severity, description="the key is there")
        (check,) = found.suite.checks
        assert (check.severity, check.name) == (ours, "the key is there")

    @pytest.mark.parametrize(
        ("kind", "kwargs", "why"),
        [
            ("column_values_to_be_increasing", {"column": "a"}, "There is no check of this kind here."),
            ("column_values_to_be_unique", {"column": "a", "mostly": 0.9}, "Unique has no share of repeats."),
            ("column_values_to_match_regex", {"column": "a", "regex": "(?=x)y"}, "looks around"),
            ("column_values_to_match_regex", {"column": "a", "regex": r"(.)\1"}, "refers back"),
            ("column_values_to_match_regex", {"column": "a", "regex": "("}, "is broken"),
            ("column_values_to_match_regex", {"column": "a"}, "is not text"),
            ("column_values_to_be_between", {"column": "a"}, "neither min_value nor max_value"),
            ("column_values_to_be_between", {"column": "a", "min_value": "b"}, "neither a number nor a time"),
            ("column_values_to_be_between", {"column": "a", "min_value": 1, "mostly": 2}, "is not a share"),
            ("column_values_to_be_in_set", {"column": "a", "value_set": []}, "is empty"),
            ("column_values_to_be_in_set", {"column": "a", "value_set": [1, "x"]}, "mixes text with numbers"),
            ("column_values_to_be_in_set", {"column": "a", "value_set": [[1]]}, "holds more than"),
            ("column_values_to_be_of_type", {"column": "a", "type_": "complex128"}, "'complex128' is not one"),
            ("column_values_to_be_in_type_list", {"column": "a", "type_list": ["int", "str"]}, "has one type"),
            ("column_mean_to_be_between", {"column": "a", "min_value": "2024-01-01"}, "not a time"),
            (
                "table_row_count_to_equal",
                {"value": 3, "row_condition": "a == 1", "condition_parser": "pandas"},
                "some of the rows only",
            ),
            ("column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": {}}, "no other quantile"),
            ("multicolumn_sum_to_equal", {"column_list": ["a"]}, "is not a number"),
            ("column_kl_divergence_to_be_less_than", {"column": "a"}, "with those of another version"),
        ],
    )
    def test_keeps_what_has_no_equivalent_and_says_why(self, kind: str, kwargs: Any, why: str) -> None:
        found = translated(kind, **kwargs)
        (remark,) = found.remarks
        assert (found.suite.checks, found.translated, remark.translated) == ([], 0, False)
        assert why in remark.why
        assert remark.fix.endswith(".")
        assert found.rest is not None
        assert found.rest.expectations[0].kwargs == kwargs

    @pytest.mark.parametrize(
        ("kind", "kwargs", "why"),
        [
            ("column_values_to_be_unique", {"column": "a"}, "Two rows without a value repeat each other"),
            ("column_values_to_be_between", {"column": "a", "min_value": 1, "mostly": 0.9}, "share of the judged rows"),
            ("column_values_to_be_of_type", {"column": "a", "type_": "float64"}, "Whole numbers pass"),
            ("column_to_exist", {"column": "a", "column_index": 3}, "The place of the column"),
        ],
    )
    def test_remarks_where_a_check_is_close_and_not_the_same(self, kind: str, kwargs: Any, why: str) -> None:
        found = translated(kind, **kwargs)
        (remark,) = found.remarks
        assert (remark.translated, remark.place, len(found.suite.checks)) == (True, "expectations.0", 1)
        assert remark.why.startswith(why) or why in remark.why

    def test_has_no_remark_about_nulls_where_the_suite_refuses_them(self) -> None:
        kinds = ["expect_column_values_to_not_be_null", "expect_column_values_to_be_unique"]
        expectations = [{"type": kind, "kwargs": {"column": "a"}} for kind in kinds]
        assert translate(ExpectationSuite.model_validate({"expectations": expectations})).remarks == []

    @pytest.mark.parametrize("kind", sorted(KNOWN_TYPES))
    @pytest.mark.parametrize("value", [None, [], {}, "x", -1, [None], [[1, {}]], {"a": [1]}])
    def test_takes_whatever_arguments_an_expectation_has(self, kind: str, value: Any) -> None:
        names = ("value_set", "regex", "regex_list", "like_pattern", "like_pattern_list", "type_", "type_list", "value")
        more = ("min_value", "max_value", "sum_total", "value_pairs_set", "column_set", "ignore_row_if", "strict_min")
        columns: dict[str, Any] = {"column": "a", "column_A": "a", "column_B": "b", "column_list": ["a", "b"]}
        found = translated(kind.removeprefix("expect_"), **dict.fromkeys([*names, *more], value), **columns)
        assert found.translated == (found.rest is None)
