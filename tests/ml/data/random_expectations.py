"""Expectations with arguments drawn at random, on a table with gaps: what nobody would think of writing."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from domain.data_checks.specs import ExpectationSuite
from tests.ml.data.expectations import suite

Asked = tuple[str, dict[str, Any]]
ROWS = 60
NUMBERS = ["i", "j", "f", "g", "k"]
TEXTS = ["s", "u", "n"]
WORDS = ["a", "bb", "ccc", "", "x y", "É"]
CONDITIONS = [
    "i > 3",
    "j >= 0",
    "u == 'a'",
    "u != 'a'",
    "not j > 2",
    "j.isnull()",
    "b",
    "s in ['a', '']",
    "u not in ['a']",
    "i > 0 and (u == 'bb' or g < 0)",
    "~(g < 0)",
]


def table(seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)

    def gaps(values: list[Any], share: float) -> list[Any]:
        return [None if draw.random() < share else value for value in values]

    return pl.DataFrame(
        {
            "i": draw.integers(-5, 20, ROWS),
            "j": gaps(draw.integers(-5, 20, ROWS).tolist(), 0.2),
            "f": draw.normal(size=ROWS),
            "g": gaps(draw.normal(size=ROWS).round(1).tolist(), 0.2),
            "s": draw.choice(WORDS, ROWS),
            "u": gaps(draw.choice(WORDS[:3], ROWS).tolist(), 0.3),
            "b": draw.choice([True, False], ROWS),
            "n": pl.Series([None] * ROWS, dtype=pl.String),
            "k": np.arange(ROWS),
        }
    )


def expectations(seed: int, count: int) -> ExpectationSuite:
    draw = random.Random(seed)
    makers = [*_OF_ROWS, *_OF_COLUMNS]
    return suite(*(draw.choice(makers)(draw) for _ in range(count)))


def _bounds(draw: random.Random) -> dict[str, Any]:
    low, high = draw.choice([None, -6, -5, 0, 1, 3]), draw.choice([None, 19, 20, 5, 2, 60])
    found: dict[str, Any] = {"min_value": -5 if low is None and high is None else low, "max_value": high}
    strict = {"strict_min": draw.random() < 0.5, "strict_max": draw.random() < 0.5}
    return {key: value for key, value in found.items() if value is not None} | (strict if draw.random() < 0.4 else {})


def _loosely(draw: random.Random) -> dict[str, Any]:
    mostly = {"mostly": draw.choice([0.5, 0.8, 0.9])} if draw.random() < 0.3 else {}
    some = {"row_condition": draw.choice(CONDITIONS), "condition_parser": "pandas"} if draw.random() < 0.3 else {}
    return mostly | some


def _pair(draw: random.Random) -> dict[str, Any]:
    ignored = draw.choice(["both_values_are_missing", "either_value_is_missing", "neither"])
    return {"column_A": draw.choice(NUMBERS), "column_B": draw.choice(NUMBERS), "ignore_row_if": ignored}


def _several(draw: random.Random, columns: list[str]) -> dict[str, Any]:
    ignored = draw.choice(["all_values_are_missing", "any_value_is_missing", "never"])
    return {"column_list": draw.sample(columns, 2), "ignore_row_if": ignored}


def _of_rows(kind: str, arguments: Callable[[random.Random], dict[str, Any]]) -> Callable[[random.Random], Asked]:
    return lambda draw: (kind, arguments(draw) | _loosely(draw))


def _words(draw: random.Random) -> dict[str, Any]:
    return {"column": draw.choice(TEXTS), "value_set": draw.sample([*WORDS, None], draw.randint(2, 6))}


def _pattern(draw: random.Random) -> dict[str, Any]:
    return {"column": draw.choice(TEXTS), "regex": draw.choice(["^[a-c]*$", "b+", "x\\s", "^$", "É", "."])}


_OF_ROWS = [
    _of_rows("column_values_to_be_between", lambda draw: {"column": draw.choice(NUMBERS), **_bounds(draw)}),
    _of_rows("column_values_to_be_in_set", _words),
    _of_rows("column_values_to_not_be_in_set", _words),
    _of_rows(
        "column_values_to_be_in_set",
        lambda draw: {"column": draw.choice("ijk"), "value_set": draw.sample(range(-5, 20), draw.randint(3, 25))},
    ),
    _of_rows("column_values_to_not_be_null", lambda draw: {"column": draw.choice([*NUMBERS, *TEXTS, "b"])}),
    _of_rows("column_values_to_be_null", lambda draw: {"column": draw.choice([*NUMBERS, *TEXTS, "b"])}),
    _of_rows("column_value_lengths_to_be_between", lambda draw: {"column": draw.choice(TEXTS), **_bounds(draw)}),
    _of_rows("column_values_to_match_regex", _pattern),
    _of_rows("column_values_to_not_match_regex", _pattern),
    _of_rows(
        "column_pair_values_a_to_be_greater_than_b", lambda draw: {**_pair(draw), "or_equal": draw.random() < 0.5}
    ),
    _of_rows("column_pair_values_to_be_equal", _pair),
    _of_rows(
        "column_pair_values_to_be_in_set",
        lambda draw: {**_pair(draw), "column_A": "u", "column_B": "s", "value_pairs_set": [["a", "a"], [None, "bb"]]},
    ),
    _of_rows(
        "multicolumn_sum_to_equal", lambda draw: {**_several(draw, list("ijk")), "sum_total": draw.choice([3, 5, 10])}
    ),
    _of_rows("select_column_values_to_be_unique_within_record", lambda draw: _several(draw, list("ijkg"))),
]
_OF_COLUMNS: list[Callable[[random.Random], Asked]] = [
    *(
        lambda draw, what=what: (f"column_{what}_to_be_between", {"column": draw.choice(NUMBERS), **_bounds(draw)})
        for what in ("mean", "median", "stdev", "sum", "min", "max", "unique_value_count")
    ),
    lambda draw: (
        "column_proportion_of_unique_values_to_be_between",
        {"column": draw.choice([*NUMBERS, *TEXTS]), "min_value": draw.choice([0.05, 0.5, 1])},
    ),
    lambda draw: (
        "column_proportion_of_non_null_values_to_be_between",
        {"column": draw.choice([*NUMBERS, *TEXTS]), "min_value": draw.choice([0.05, 0.5, 0.75, 1])},
    ),
    lambda draw: ("column_values_to_be_unique", {"column": draw.choice(["i", "f", "s", "k", "u"])}),
    lambda draw: ("compound_columns_to_be_unique", {"column_list": draw.sample(["i", "s", "k", "b"], 2)}),
    lambda draw: (
        "column_distinct_values_to_equal_set",
        {"column": draw.choice(TEXTS), "value_set": draw.choice([WORDS[:3], WORDS, ["a"]])},
    ),
]
