"""Reference and window beside each other, to be drawn."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from domain.monitoring.specs import Distribution
from ml.distributions import distributions

DRAW = np.random.default_rng(1)


def only(reference: Sequence[object], window: Sequence[object]) -> Distribution:
    (found,) = distributions(pl.DataFrame({"x": reference}, strict=False), pl.DataFrame({"x": window}, strict=False))
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert len(found.reference) == len(found.window) == len(found.edges or found.labels) + 1
    assert sum(found.reference) == pytest.approx(1, abs=1e-4)
    assert sum(found.window) == pytest.approx(1, abs=1e-4)
    return found


class TestNumbers:
    def test_are_binned_evenly_over_both_sides(self) -> None:
        found = only(DRAW.normal(0, 1, 5000).tolist(), DRAW.normal(10, 1, 500).tolist())
        assert len(found.reference) == 20
        assert found.edges[0] == pytest.approx(-2.3, abs=0.3)
        assert found.edges[-1] == pytest.approx(12.3, abs=0.5)
        middle = np.searchsorted(found.edges, 5.0)
        assert sum(found.reference[:middle]) > 0.99
        assert sum(found.window[middle:]) > 0.99

    def test_far_away_fall_into_the_open_ends(self) -> None:
        found = only(np.linspace(0, 1, 1000).tolist(), [*np.linspace(0, 1, 999).tolist(), 1e12])
        assert found.edges[-1] < 1.1
        assert found.window[-1] > 0

    @pytest.mark.parametrize(
        ("reference", "window"),
        [
            ([0.5] * 50, [0.5] * 9),
            ([0.5] * 50, [0.7] * 9),
            ([-1.7e308, 1.7e308] * 30, [0.0, 1.0]),
            ([0.1, None, float("nan"), float("inf")], [0.3, float("-inf"), None]),
        ],
    )
    def test_that_are_odd_are_drawn_all_the_same(self, reference: list[object], window: list[object]) -> None:
        assert only(reference, window).kind == "number"


class TestCategories:
    def test_are_named_with_the_most_frequent_first_and_the_others_last(self) -> None:
        found = only(["a"] * 6 + ["b"] * 3 + ["c"], ["c"] * 8 + ["d"] * 2)
        assert found.labels == ["c", "a", "b", "d"]
        assert found.reference == [0.1, 0.6, 0.3, 0.0, 0.0]
        assert found.window == [0.8, 0.0, 0.0, 0.2, 0.0]

    def test_beyond_twenty_are_counted_together(self) -> None:
        found = only([f"level {n:02}" for n in range(40)], ["level 39"])
        assert len(found.labels) == 20
        assert found.labels[0] == "level 39"
        assert found.reference[-1] == pytest.approx(0.5)
        assert found.window[-1] == 0.0

    @pytest.mark.parametrize(
        ("reference", "window", "labels"),
        [([1, 2, 2], [1.0, 2.0], ["2", "1"]), ([True, False, True], [True], ["true", "false"])],
    )
    def test_are_the_same_in_whole_and_in_other_numbers(
        self, reference: list[object], window: list[object], labels: list[str]
    ) -> None:
        assert only(reference, window).labels == labels

    def test_of_long_text_are_cut(self) -> None:
        assert [len(label) for label in only(["x" * 5000], ["x" * 5000]).labels] == [100]


def test_leaves_out_what_cannot_be_drawn() -> None:
    now = datetime.now(UTC)
    reference = pl.DataFrame({"time": [now], "gone": [1.5], "text": ["a"], "empty": [1.5], "null": [1.5], "x": [1.5]})
    window = pl.DataFrame({"time": [now], "text": [2.5], "empty": [float("nan")], "null": [None], "x": [2.5]})
    assert [one.name for one in distributions(reference, window)] == ["x"]
    assert distributions(reference, window.clear()) == []
