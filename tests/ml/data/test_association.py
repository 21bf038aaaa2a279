"""Associations of every pair of types, and the ids that must not look like knowledge."""

import numpy as np
import polars as pl
import pytest

from ml.association import association

RANDOM = np.random.default_rng(2)
N = 2000
NUMBER = RANDOM.normal(size=N)
CLASS = RANDOM.choice(["x", "y", "z"], N)
BINARY = np.where(NUMBER > 0, "yes", "no")


@pytest.mark.parametrize(
    ("feature", "target", "low", "high"),
    [
        (np.exp(NUMBER), NUMBER, 1, 1),
        (-NUMBER, NUMBER, 1, 1),
        (RANDOM.normal(size=N), NUMBER, 0, 0.1),
        (CLASS, np.char.upper(CLASS), 0.99, 1),
        (CLASS, RANDOM.permutation(CLASS), 0, 0.1),
        (CLASS, np.select([CLASS == "x", CLASS == "y"], [1.5, 7.25], 3.125) + NUMBER * 1e-3, 0.99, 1),
        (CLASS, NUMBER, 0, 0.1),
        (NUMBER, BINARY, 1, 1),
        (NUMBER, CLASS, 0, 0.1),
        (np.arange(N).astype(str), CLASS, 0, 0.1),
        (np.arange(N).astype(str), NUMBER, 0, 0.1),
        (np.full(N, "same"), CLASS, 0, 0),
        (np.full(N, 1.5), NUMBER, 0, 0),
    ],
)
def test_association(feature: np.ndarray, target: np.ndarray, low: float, high: float) -> None:
    found = association(pl.Series("f", feature), pl.Series("t", target))
    assert low - 1e-9 <= found <= high + 1e-9


def test_a_category_missing_exactly_where_the_target_is_yes_gives_it_away() -> None:
    feature = pl.Series("f", [None if answer == "yes" else "here" for answer in BINARY])
    assert association(feature, pl.Series("t", BINARY)) > 0.99


def test_one_of_three_classes_standing_aside_is_no_leak() -> None:
    number = np.where(CLASS == "x", 10.0, 0.0) + NUMBER
    assert association(pl.Series("f", number), pl.Series("t", CLASS)) < 0.985


def test_missing_numbers_and_targets_are_left_out() -> None:
    feature = pl.Series("f", [*NUMBER[:-2], None, float("nan")], strict=False)
    target = pl.Series("t", [None, *NUMBER[1:]], strict=False)
    assert association(feature, target) == pytest.approx(1)
    assert association(pl.Series("f", [1.0, 2.0]), pl.Series("t", [1.0, 2.0])) == 0
