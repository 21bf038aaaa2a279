"""Suites of Great Expectations that tests run and translate: on real tables, with what passes and what does not."""

from typing import Any

import polars as pl

from domain.data_checks.specs import ExpectationSuite
from tests.architecture.source import ROOT


def bikes() -> pl.DataFrame:
    return pl.read_csv(ROOT / "examples/bikes/hour.csv").with_columns(pl.col("dteday").str.to_datetime(time_unit="us"))


ADULTS = pl.DataFrame(
    {
        "age": [39, 50, 38, 53, 28, 37, 49, 52, 31, 42],
        "workclass": ["State-gov", "Self-emp", "Private", "Private", None, "Private", "?", "Self-emp", None, "Private"],
        "education": ["Bachelors"] * 4 + ["Masters", "9th", "HS-grad", "Masters", "Bachelors", "Bachelors"],
        "education_num": [13, 13, 9, 7, 13, 14, 5, 9, 14, 13],
        "sex": ["Male", "Male", "Male", "Male", "Female", "Female", "Female", "Male", "Female", "Male"],
        "gain": [2174.0, 0.0, 0.0, None, 0.0, 0.0, 0.0, 0.0, 14084.0, 5178.0],
        "loss": [0.0, 0.0, 0.0, None, 0.0, 0.0, 3.0, None, 0.0, 20000.0],
        "income": ["<=50K"] * 7 + [">50K"] * 3,
    }
)
"""Ten rows in the manner of the adult income table, with gaps."""


def suite(*expectations: tuple[str, dict[str, Any]]) -> ExpectationSuite:
    """A suite of (type without `expect_`, arguments); the argument `severity` is the expectation's own."""
    listed = []
    for kind, kwargs in expectations:
        arguments = {key: value for key, value in kwargs.items() if key != "severity"}
        severity = {"severity": kwargs["severity"]} if "severity" in kwargs else {}
        listed.append({"type": f"expect_{kind}", "kwargs": arguments, **severity})
    return ExpectationSuite.model_validate({"name": "team", "expectations": listed})


def column(kind: str, name: str, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    return f"column_{kind}", {"column": name, **kwargs}


OF_BIKES = suite(
    ("table_row_count_to_be_between", {"min_value": 1_000, "max_value": 20_000}),
    ("table_row_count_to_be_between", {"min_value": 17_379, "strict_min": True}),
    ("table_row_count_to_equal", {"value": 17_379}),
    ("table_columns_to_match_set", {"column_set": ["instant", "dteday"], "exact_match": False}),
    ("table_columns_to_match_set", {"column_set": ["instant", "dteday"]}),
    ("table_columns_to_match_ordered_list", {"column_list": bikes().columns}),
    ("table_columns_to_match_ordered_list", {"column_list": sorted(bikes().columns)}),
    column("to_exist", "cnt"),
    column("to_exist", "count"),
    column("values_to_not_be_null", "hr"),
    column("values_to_be_null", "hr"),
    column("values_to_be_unique", "instant"),
    column("values_to_be_unique", "hr"),
    ("compound_columns_to_be_unique", {"column_list": ["dteday", "hr"]}),
    ("compound_columns_to_be_unique", {"column_list": ["season", "hr"]}),
    column("values_to_be_between", "hr", min_value=0, max_value=23),
    column("values_to_be_between", "hr", min_value=0, max_value=23, strict_max=True),
    column("values_to_be_between", "cnt", min_value=1, max_value=900, mostly=0.99),
    column("values_to_be_between", "cnt", min_value=1, max_value=100, mostly=0.6),
    column("values_to_be_between", "dteday", min_value="2011-01-01T00:00:00", max_value="2012-12-31T00:00:00"),
    column("values_to_be_between", "dteday", min_value="2011-01-02T00:00:00", strict_min=True, mostly=0.9),
    column("values_to_be_in_set", "season", value_set=[1, 2, 3, 4]),
    column("values_to_be_in_set", "season", value_set=[1, 2, 3]),
    column("values_to_be_in_set", "season", value_set=[1, 2, 3], mostly=0.7),
    column("values_to_not_be_in_set", "season", value_set=[5]),
    column("values_to_not_be_in_set", "season", value_set=[4]),
    column("distinct_values_to_be_in_set", "yr", value_set=[0, 1, 2]),
    column("distinct_values_to_equal_set", "yr", value_set=[0, 1, 2]),
    column("distinct_values_to_equal_set", "yr", value_set=[0, 1]),
    column("mean_to_be_between", "cnt", min_value=180, max_value=200),
    column("mean_to_be_between", "cnt", min_value=200),
    column("median_to_be_between", "cnt", min_value=142, max_value=142),
    column("stdev_to_be_between", "temp", max_value=0.1),
    column("sum_to_be_between", "cnt", min_value=3_292_679, max_value=3_292_679),
    column("min_to_be_between", "cnt", min_value=1, strict_min=True, max_value=5),
    column("max_to_be_between", "cnt", max_value=977),
    column("unique_value_count_to_be_between", "hr", min_value=24, max_value=24),
    column("proportion_of_unique_values_to_be_between", "hr", max_value=0.001),
    column("proportion_of_non_null_values_to_be_between", "hr", min_value=0.95),
    column("values_to_be_of_type", "hr", type_="int64"),
    column("type_to_be", "hr", type_="int64"),
    column("type_to_be", "hr", type_="str"),
    column("values_to_be_of_type", "temp", type_="int64"),
    column("values_to_be_in_type_list", "temp", type_list=["float64", "float32"]),
    column("values_to_be_of_type", "dteday", type_="datetime64[ns]"),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "cnt", "column_B": "casual", "or_equal": True}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "cnt", "column_B": "casual"}),
    ("column_pair_values_to_be_equal", {"column_A": "mnth", "column_B": "season", "mostly": 0.1}),
    ("multicolumn_sum_to_equal", {"column_list": ["season", "holiday"], "sum_total": 3, "mostly": 0.2}),
    column("values_to_be_between", "cnt", min_value=2, row_condition="hr == 17", condition_parser="pandas"),
    column("values_to_be_between", "cnt", min_value=200, row_condition="hr == 17", condition_parser="pandas"),
)
OF_ADULTS = suite(
    column("values_to_not_be_null", "workclass", mostly=0.8),
    column("values_to_not_be_null", "workclass", mostly=0.81),
    column("values_to_be_null", "workclass", mostly=0.2),
    column("values_to_be_in_set", "workclass", value_set=["Private", "State-gov", "Self-emp", "?"]),
    column("values_to_not_be_in_set", "workclass", value_set=["?"]),
    column("values_to_be_unique", "age"),
    column("value_lengths_to_be_between", "education", min_value=3, max_value=9),
    column("value_lengths_to_be_between", "education", min_value=4),
    column("value_lengths_to_equal", "age", value=2),
    column("values_to_match_regex", "income", regex="^[<>]=?50K$"),
    column("values_to_match_regex", "income", regex="^>"),
    column("values_to_not_match_regex", "workclass", regex=r"^\?$"),
    column("values_to_not_match_regex", "workclass", regex="x"),
    column("values_to_match_regex_list", "education", regex_list=["ors$", "^[0-9]", "HS"], match_on="any"),
    column("values_to_match_regex_list", "education", regex_list=["ors$", "^[0-9]", "Masters"], match_on="any"),
    column("values_to_match_regex_list", "income", regex_list=["50", "K$"], match_on="all"),
    column("values_to_not_match_regex_list", "education", regex_list=["Doct", "Some"]),
    column("distinct_values_to_equal_set", "sex", value_set=["Male", "Female"]),
    column("distinct_values_to_be_in_set", "sex", value_set=["Male"]),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "gain", "column_B": "loss", "or_equal": True}),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "age", "column_B": "loss", "ignore_row_if": "either_value_is_missing", "mostly": 0.8},
    ),
    ("column_pair_values_to_be_equal", {"column_A": "gain", "column_B": "loss", "ignore_row_if": "never"}),
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "sex", "column_B": "income", "value_pairs_set": [["Male", "<=50K"], ["Female", "<=50K"]]},
    ),
    ("multicolumn_sum_to_equal", {"column_list": ["gain", "loss"], "sum_total": 0.0}),
    ("select_column_values_to_be_unique_within_record", {"column_list": ["age", "education_num"]}),
    ("select_column_values_to_be_unique_within_record", {"column_list": ["gain", "loss"]}),
    column("mean_to_be_between", "gain", min_value=2_000, max_value=3_000),
    column("median_to_be_between", "loss", max_value=0, strict_max=True),
    column("sum_to_be_between", "loss", min_value=20_003, max_value=20_003),
    column("unique_value_count_to_be_between", "workclass", min_value=4, max_value=4),
    column("proportion_of_unique_values_to_be_between", "workclass", min_value=0.5, strict_min=True),
    column("proportion_of_non_null_values_to_be_between", "workclass", min_value=0.85),
    column("values_to_be_of_type", "workclass", type_="str"),
    column("values_to_be_of_type", "age", type_="str"),
    column("values_to_not_be_null", "gain", row_condition="sex == 'Female'", condition_parser="pandas"),
    column("values_to_not_be_null", "gain", row_condition="sex != 'Female'", condition_parser="pandas"),
    column(
        "values_to_be_in_set",
        "sex",
        value_set=["Male"],
        row_condition={"type": "comparison", "column": {"name": "age"}, "operator": ">=", "parameter": 50},
    ),
    column(
        "values_to_be_between",
        "age",
        min_value=38,
        row_condition="workclass == 'Private' and not (gain > 100 or `loss` == 3)",
        condition_parser="pandas",
    ),
    ("table_row_count_to_equal", {"value": 10, "severity": "warning"}),
    ("table_row_count_to_equal", {"value": 11, "severity": "warning"}),
    ("table_row_count_to_equal", {"value": 11, "severity": "info"}),
    column("values_to_be_between", "wage", min_value=1),
)
