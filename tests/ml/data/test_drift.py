"""Drift that matters is found, quiet windows stay quiet, and broken data is called broken."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from numpy.random import Generator

from domain.monitoring.specs import MonitorPolicy
from ml.drift import compare, drift

POLICY = MonitorPolicy()


def table(random: Generator, n: int, **changed: object) -> pl.DataFrame:
    columns = {
        "temp": random.normal(20, 5, n),
        "season": random.integers(1, 5, n),
        "city": random.choice(["Bonn", "Cork", "Lyon"], n, p=[0.6, 0.3, 0.1]),
        "rain": np.where(random.random(n) < 0.9, 0.0, random.random(n)),
        "holiday": random.random(n) < 0.03,
    }
    return pl.DataFrame({**columns, **changed}, strict=False)


@pytest.fixture
def random() -> Generator:
    return np.random.default_rng(11)


@pytest.fixture
def reference(random: Generator) -> pl.DataFrame:
    return table(random, 4000)


def test_a_quiet_window_has_no_drift(random: Generator, reference: pl.DataFrame) -> None:
    result = drift(reference, table(random, 500), policy=POLICY)
    assert (result.rows, result.drifted, result.broken) == (500, [], [])
    assert {feature.name: feature.kind for feature in result.features} == {
        "temp": "number", "season": "category", "city": "category", "rain": "number", "holiday": "category",
    }  # fmt: skip


def test_drifted_features_come_first_and_the_worst_before_the_others(
    random: Generator, reference: pl.DataFrame
) -> None:
    window = table(random, 500, temp=random.normal(30, 5, 500), city=random.choice(["Bonn", "Cork"], 500))
    result = drift(reference, window, policy=POLICY)
    assert result.drifted == ["temp", "city"]
    assert [feature.name for feature in result.features][:2] == ["temp", "city"]
    worst = result.features[0]
    assert (worst.test, worst.n_reference, worst.n) == ("ks", 4000, 500)
    assert worst.psi > worst.threshold
    assert worst.q_value <= 0.05
    assert result.features[1].test == "chi2"


def test_a_shift_nobody_cares_about_is_no_drift_however_significant(random: Generator) -> None:
    result = drift(
        pl.DataFrame({"x": random.normal(0, 1, 100_000)}),
        pl.DataFrame({"x": random.normal(0.05, 1, 100_000)}),
        policy=POLICY,
    )
    assert result.features[0].p_value < 1e-6
    assert result.drifted == []


def test_a_level_never_seen_before_is_drift(random: Generator, reference: pl.DataFrame) -> None:
    seasons = np.where(random.random(500) < 0.3, 9, random.integers(1, 5, 500))
    assert drift(reference, table(random, 500, season=seasons), policy=POLICY).drifted == ["season"]


def test_one_season_in_a_window_is_drift_and_not_broken(random: Generator, reference: pl.DataFrame) -> None:
    result = drift(reference, table(random, 500, season=[3] * 500), policy=POLICY)
    assert (result.drifted, result.broken) == (["season"], [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda window: window.drop("temp"), "missing"),
        (lambda window: window.with_columns(temp=pl.when(pl.int_range(pl.len()) > 50).then("temp")), "null in 10.2%"),
        (lambda window: window.with_columns(temp=pl.lit(None, pl.String)), "null in 100.0%"),
        (lambda window: window.with_columns(temp=pl.lit(float("nan"))), "null in 100.0%"),
        (lambda window: window.with_columns(temp=pl.lit(21.5)), "stuck on 21.5"),
        (lambda window: window.with_columns(pl.col("temp").cast(pl.String)), "string instead of number"),
    ],
)
def test_broken_is_not_drifted(
    random: Generator, reference: pl.DataFrame, change: Callable[[pl.DataFrame], pl.DataFrame], reason: str
) -> None:
    result = drift(reference, change(table(random, 500)), policy=POLICY)
    assert (result.broken, result.drifted) == (["temp"], [])
    assert result.features[0].name == "temp"
    assert (result.features[0].reason or "").startswith(reason)


def test_nulls_the_reference_has_as_well_are_not_broken(random: Generator) -> None:
    holes = pl.DataFrame({"x": [None if random.random() < 0.3 else random.normal() for _ in range(1000)]}, strict=False)
    result = drift(holes, holes.tail(300), policy=POLICY)
    assert (result.broken, result.drifted) == ([], [])
    assert result.features[0].null_share > 0.2


def test_a_number_on_its_usual_value_is_not_stuck(random: Generator, reference: pl.DataFrame) -> None:
    result = drift(reference, table(random, 200, rain=[0.0] * 200), policy=POLICY)
    assert "rain" not in result.broken


def test_times_always_move_on_and_are_watched_for_holes_only(random: Generator, reference: pl.DataFrame) -> None:
    timed = reference.with_columns(at=pl.lit(datetime.fromisoformat("2024-01-01")))
    later = table(random, 300)
    assert (
        drift(timed, later.with_columns(at=pl.lit(datetime.fromisoformat("2025-01-01"))), policy=POLICY).drifted == []
    )
    assert drift(timed, later, policy=POLICY).broken == ["at"]


def test_whole_floats_are_the_integers_of_the_reference(random: Generator, reference: pl.DataFrame) -> None:
    window = table(random, 500).with_columns(pl.col("season").cast(pl.Float64))
    assert drift(reference, window, policy=POLICY).drifted == []


def test_an_empty_window_says_nothing(reference: pl.DataFrame) -> None:
    result = drift(reference, reference.head(0), policy=POLICY)
    assert (result.rows, result.drifted, result.broken) == (0, [], [])


def test_a_column_without_values_in_the_reference_is_not_judged() -> None:
    empty = pl.DataFrame({"x": pl.Series([None] * 50, dtype=pl.Float64)})
    result = drift(empty, pl.DataFrame({"x": [1.0, 2.0] * 25}), policy=POLICY)
    assert (result.drifted, result.broken) == ([], [])


@pytest.mark.parametrize("column", ["temp", "city"])
def test_compare_needs_values_and_one_type(reference: pl.DataFrame, column: str) -> None:
    assert compare(reference[column], reference[column].clear()) is None
    assert compare(reference[column], reference["holiday"]) is None


def test_thirty_features_raise_a_false_alarm_in_less_than_a_tenth_of_quiet_windows() -> None:
    random = np.random.default_rng(5)

    def draw(n: int) -> pl.DataFrame:
        numbers = {f"n{i}": random.normal(size=n) for i in range(20)}
        return pl.DataFrame(numbers | {f"c{i}": random.integers(0, 6, n) for i in range(10)})

    reference = draw(2000)
    alarms = [bool(drift(reference, draw(200), policy=POLICY).drifted) for _ in range(100)]
    by_psi_alone = [
        any(feature.psi > 0.1 for feature in drift(reference, draw(200), policy=POLICY).features) for _ in range(20)
    ]
    assert np.mean(alarms) < 0.1
    assert np.mean(by_psi_alone) > 0.3, "the naive rule would do as well: this test shows nothing"
