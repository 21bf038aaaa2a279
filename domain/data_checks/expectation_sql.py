"""Expectations about rows as SQL conditions: false for a row GX calls unexpected, null for one it does not judge."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import combinations
from typing import Any, Final, TypeGuard

from domain.data_checks.row_conditions import literal, quoted

# What Python's `re` has and the engines' regular expressions do not.
_ONLY_PYTHON: Final = re.compile(r"\(\?(?:[=!>]|<[=!]|P=|\()|\\[1-9]|[*+?}]\+|\\[AZ]")


class NoEquivalent(Exception):
    """Our checks cannot say this: why, and what to do instead."""

    def __init__(self, why: str, fix: str = "Keep it in a `great_expectations` check.") -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_time(value: object) -> bool:
    """Text in ISO 8601."""
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def values_in(kwargs: Mapping[str, Any], key: str = "value_set") -> list[Any]:
    """The values of a set, nulls left out: a null is not judged."""
    values = kwargs.get(key)
    if not isinstance(values, list) or not values:
        raise NoEquivalent(f"its {key} is empty or not a list")
    kept = [value for value in values if value is not None]
    if not kept or not all(isinstance(value, str | int | float | bool) for value in kept):
        raise NoEquivalent(f"its {key} holds more than text, numbers and booleans")
    if len({str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in kept}) > 1:
        raise NoEquivalent(f"its {key} mixes text with numbers or booleans, and a column here has one type")
    return kept


def bounds(kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """`min_value` and `max_value`: numbers or times."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is None and high is None:
        raise NoEquivalent("it has neither min_value nor max_value")
    for bound in (low, high):
        if not (bound is None or is_number(bound) or is_time(bound)):
            raise NoEquivalent(f"its bound {bound!r} is neither a number nor a time in ISO 8601")
    return low, high


def _within(subject: str, kwargs: Mapping[str, Any]) -> str:
    low, high = bounds(kwargs)
    sides = [(low, ">" if kwargs.get("strict_min") else ">="), (high, "<" if kwargs.get("strict_max") else "<=")]
    return " AND ".join(f"{subject} {sign} {_bound(bound)}" for bound, sign in sides if bound is not None)


def _bound(bound: Any) -> str:
    return f"TIMESTAMP {literal(bound.replace('T', ' '))}" if isinstance(bound, str) else literal(bound)


def _between(kwargs: Mapping[str, Any]) -> str:
    return _within(quoted(kwargs["column"]), kwargs)


def _in_set(kwargs: Mapping[str, Any]) -> str:
    return f"{quoted(kwargs['column'])} IN ({', '.join(map(literal, values_in(kwargs)))})"


def _not_in_set(kwargs: Mapping[str, Any]) -> str:
    return f"{quoted(kwargs['column'])} NOT IN ({', '.join(map(literal, values_in(kwargs)))})"


def _lengths(kwargs: Mapping[str, Any]) -> str:
    return _within(f"LENGTH({_text(kwargs['column'])})", kwargs)


def _length(kwargs: Mapping[str, Any]) -> str:
    length = kwargs.get("value")
    if not is_number(length):
        raise NoEquivalent("its value is not a number")
    return f"LENGTH({_text(kwargs['column'])}) = {literal(length)}"


def _text(column: str) -> str:
    return f"CAST({quoted(column)} AS STRING)"


def _matches(column: str, pattern: object) -> str:
    if not isinstance(pattern, str):
        raise NoEquivalent("its regular expression is not text")
    if _ONLY_PYTHON.search(pattern):
        why = f"the pattern {pattern!r} looks around, refers back or is possessive, which the engines' patterns cannot"
        raise NoEquivalent(why, "Write the pattern without that, or keep it in a `great_expectations` check.")
    try:
        re.compile(pattern)
    except re.error as error:
        raise NoEquivalent(f"the pattern {pattern!r} is broken: {error}", "Mend the pattern.") from error
    return f"REGEXP_LIKE({_text(column)}, {literal(pattern)})"


def _regexes(kwargs: Mapping[str, Any]) -> list[str]:
    patterns = kwargs.get("regex_list")
    if not isinstance(patterns, list) or not patterns:
        raise NoEquivalent("its regex_list is empty or not a list")
    return [_matches(kwargs["column"], pattern) for pattern in patterns]


def _regex_list(kwargs: Mapping[str, Any]) -> str:
    return (" AND " if kwargs.get("match_on") == "all" else " OR ").join(_regexes(kwargs))


def _no_regex_list(kwargs: Mapping[str, Any]) -> str:
    return f"NOT ({' OR '.join(_regexes(kwargs))})"


def _likes(kwargs: Mapping[str, Any], key: str = "like_pattern_list") -> list[str]:
    patterns = kwargs.get(key)
    given = patterns if isinstance(patterns, list) else [patterns]
    listed = [pattern for pattern in given if isinstance(pattern, str)]
    if not listed or len(listed) < len(given):
        raise NoEquivalent(f"its {key} holds no text")
    if kwargs.get("escape"):
        raise NoEquivalent("LIKE has no escape character here", "Use a regular expression.")
    return [f"{quoted(kwargs['column'])} LIKE {literal(pattern)}" for pattern in listed]


def _like_list(kwargs: Mapping[str, Any]) -> str:
    return (" AND " if kwargs.get("match_on") == "all" else " OR ").join(_likes(kwargs))


def _judged(condition: str, columns: list[str], kwargs: Mapping[str, Any]) -> str:
    """The condition over several columns, with GX's say on rows where some or all of them miss."""
    nulls = [f"{quoted(column)} IS NULL" for column in columns]
    match kwargs.get("ignore_row_if"):
        case None | "both_values_are_missing" | "all_values_are_missing":
            return f"COALESCE({condition}, {' AND '.join(nulls)})"
        case "either_value_is_missing" | "any_value_is_missing":
            return f"({' OR '.join(nulls)}) OR ({condition})"
        case "never" | "neither":
            return f"COALESCE({condition}, FALSE)"
    raise NoEquivalent(f"its ignore_row_if {kwargs['ignore_row_if']!r} is unknown")


def _pair(sign: str, kwargs: Mapping[str, Any]) -> str:
    left, right = kwargs["column_A"], kwargs["column_B"]
    return _judged(f"{quoted(left)} {sign} {quoted(right)}", [left, right], kwargs)


def _pair_in_set(kwargs: Mapping[str, Any]) -> str:
    pairs = kwargs.get("value_pairs_set")
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs or [0]):
        raise NoEquivalent("its value_pairs_set is not a list of pairs")
    left, right = kwargs["column_A"], kwargs["column_B"]
    options = [f"({_equals(left, first)} AND {_equals(right, second)})" for first, second in pairs]
    return _judged(" OR ".join(options), [left, right], kwargs)


def _equals(column: str, value: Any) -> str:
    if value is None:
        return f"{quoted(column)} IS NULL"
    if not isinstance(value, str | int | float | bool):
        raise NoEquivalent("its value_pairs_set holds more than text, numbers and booleans")
    return f"COALESCE({quoted(column)} = {literal(value)}, FALSE)"


def _sum(kwargs: Mapping[str, Any]) -> str:
    columns, total = kwargs["column_list"], kwargs.get("sum_total")
    if not is_number(total):
        raise NoEquivalent("its sum_total is not a number")
    return _judged(f"{' + '.join(map(quoted, columns))} = {literal(total)}", columns, kwargs)


def _different(kwargs: Mapping[str, Any]) -> str:
    columns = kwargs["column_list"]
    if not 2 <= len(columns) <= 20:
        raise NoEquivalent("it compares each of more than 20 columns with each other")
    pairs = [(quoted(one), quoted(other)) for one, other in combinations(columns, 2)]
    apart = " AND ".join(
        f"COALESCE({one} <> {other}, {one} IS NOT NULL OR {other} IS NOT NULL)" for one, other in pairs
    )
    nulls = [f"{quoted(column)} IS NULL" for column in columns]
    match kwargs.get("ignore_row_if", "all_values_are_missing"):
        case "all_values_are_missing":
            return f"({' AND '.join(nulls)}) OR ({apart})"
        case "any_value_is_missing":
            return f"({' OR '.join(nulls)}) OR ({apart})"
    return apart


CONDITIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_not_be_null": lambda kwargs: f"{quoted(kwargs['column'])} IS NOT NULL",
    "expect_column_values_to_be_null": lambda kwargs: f"{quoted(kwargs['column'])} IS NULL",
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length,
    "expect_column_values_to_match_regex": lambda kwargs: _matches(kwargs["column"], kwargs.get("regex")),
    "expect_column_values_to_not_match_regex": lambda kwargs: f"NOT {_matches(kwargs['column'], kwargs.get('regex'))}",
    "expect_column_values_to_match_regex_list": _regex_list,
    "expect_column_values_to_not_match_regex_list": _no_regex_list,
    "expect_column_values_to_match_like_pattern": lambda kwargs: _likes(kwargs, "like_pattern")[0],
    "expect_column_values_to_not_match_like_pattern": lambda kwargs: f"NOT ({_likes(kwargs, 'like_pattern')[0]})",
    "expect_column_values_to_match_like_pattern_list": _like_list,
    "expect_column_values_to_not_match_like_pattern_list": lambda kwargs: f"NOT ({' OR '.join(_likes(kwargs))})",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda kwargs: _pair(
        ">=" if kwargs.get("or_equal") else ">", kwargs
    ),
    "expect_column_pair_values_to_be_equal": lambda kwargs: _pair("=", kwargs),
    "expect_column_pair_values_to_be_in_set": _pair_in_set,
    "expect_multicolumn_sum_to_equal": _sum,
    "expect_select_column_values_to_be_unique_within_record": _different,
}
COUNTS_EVERY_ROW: Final = frozenset({"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"})
"""Those whose `mostly` is a share of all rows, in GX too."""
