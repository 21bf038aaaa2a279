"""What is known of Great Expectations' vocabulary without loading it: enough to refuse a suite with the exact place."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

_COLUMN: Final = """
distinct_values_to_be_in_set distinct_values_to_contain_set distinct_values_to_equal_set kl_divergence_to_be_less_than
max_to_be_between mean_to_be_between median_to_be_between min_to_be_between most_common_value_to_be_in_set
proportion_of_non_null_values_to_be_between proportion_of_unique_values_to_be_between quantile_values_to_be_between
stdev_to_be_between sum_to_be_between to_exist unique_value_count_to_be_between value_lengths_to_be_between
type_to_be value_lengths_to_equal value_z_scores_to_be_less_than values_to_be_between
values_to_be_dateutil_parseable
values_to_be_decreasing values_to_be_in_set values_to_be_in_type_list values_to_be_increasing
values_to_be_json_parseable values_to_be_null values_to_be_of_type values_to_be_unique values_to_match_json_schema
values_to_match_like_pattern values_to_match_like_pattern_list values_to_match_regex values_to_match_regex_list
values_to_match_strftime_format values_to_not_be_in_set values_to_not_be_null values_to_not_be_outliers
values_to_not_match_like_pattern values_to_not_match_like_pattern_list values_to_not_match_regex
values_to_not_match_regex_list
"""
_PAIR: Final = "a_to_be_greater_than_b to_be_equal to_be_in_set"
_COLUMNS: Final = """
expect_compound_columns_to_be_unique expect_multicolumn_sum_to_equal expect_multicolumn_values_to_be_equal
expect_select_column_values_to_be_unique_within_record
"""
_TABLE: Final = """
expect_table_column_count_to_be_between expect_table_column_count_to_equal expect_table_columns_to_match_ordered_list
expect_table_columns_to_match_set expect_table_row_count_to_be_between expect_table_row_count_to_equal
"""
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    **{f"expect_column_{name}": ("column",) for name in _COLUMN.split()},
    **{f"expect_column_pair_values_{name}": ("column_A", "column_B") for name in _PAIR.split()},
    **dict.fromkeys(_COLUMNS.split(), ("column_list",)),
    **dict.fromkeys(_TABLE.split(), ()),
}
KNOWN_TYPES: Final = frozenset(_NEEDS)
"""The expectations of GX 1.24 that look at one table in memory."""
ELSEWHERE: Final = frozenset(
    {
        "unexpected_rows_expectation",
        "expect_query_results_to_match_comparison",
        "expect_table_row_count_to_equal_other_table",
    }
)
"""Those that ask a database by SQL, or look at another table: a dataset version has neither."""


def problem_with_type(name: str) -> str | None:
    """Why an expectation of this type cannot be taken; None when it can."""
    if name in KNOWN_TYPES:
        return None
    if name in ELSEWHERE:
        return f"{name!r} asks a database, and a dataset version is a table without one; write an expression check"
    near = get_close_matches(name, KNOWN_TYPES, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name!r} is not an expectation that Great Expectations 1.x has{hint}"


def problem_with_columns(name: str, kwargs: Mapping[str, Any]) -> str | None:
    """What is wrong with the columns an expectation looks at, as the suite names them; None when nothing is."""
    for key in _NEEDS.get(name, ()):
        value = kwargs.get(key)
        if value is None:
            return f"{key} is missing"
        names = value if key == "column_list" and isinstance(value, list) else [value]
        if not names or not all(isinstance(one, str) and one for one in names):
            return f"{key} must be {'a list of column names' if key == 'column_list' else 'the name of a column'}"
    return None


def columns_of(kwargs: Mapping[str, Any]) -> list[str]:
    """The columns an expectation is about, as its arguments name them."""
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B")]
    listed = kwargs.get("column_list")
    return [str(name) for name in [*named, *(listed if isinstance(listed, list) else [])] if name is not None]


def parameters_in(value: Any) -> Iterator[str]:
    """The names of suite parameters (`{"$PARAMETER": "name"}`) anywhere in the arguments."""
    if isinstance(value, dict):
        if "$PARAMETER" in value:
            yield str(value["$PARAMETER"])
        for inner in value.values():
            yield from parameters_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parameters_in(inner)


def remote_references(schema: Any) -> Iterator[str]:
    """`$ref`s of a JSON schema that lead out of it: a validator would fetch them."""
    if isinstance(schema, dict):
        for key, inner in schema.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and not str(inner).startswith("#"):
                yield str(inner)
            yield from remote_references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from remote_references(inner)
