"""The verdict on two runs, on plain values."""

from typing import Any

import pytest

from domain.reproductions.specs import PredictionDifference, Verdict
from domain.reproductions.verdict import environment_differences, judge, metric_differences

SAME = PredictionDifference(rows=10, largest=0.0, differing=0, same_label=None)
NEAR = PredictionDifference(rows=10, largest=1e-9, differing=3, same_label=None)
FAR = PredictionDifference(rows=10, largest=0.3, differing=4, same_label=None)
OTHER_LABEL = PredictionDifference(rows=10, largest=1e-9, differing=1, same_label=0.9)
ALIKE: dict[str, Any] = {
    "tolerance": 1e-6, "same_rows": True, "same_files": True, "metrics": [], "predictions": SAME, "environment": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.BIT_IDENTICAL),
        ({"same_files": False}, Verdict.BIT_IDENTICAL),
        ({"predictions": None}, Verdict.BIT_IDENTICAL),
        ({"predictions": None, "same_files": False}, Verdict.WITHIN_TOLERANCE),
        ({"same_files": False, "predictions": NEAR}, Verdict.WITHIN_TOLERANCE),
        ({"metrics": metric_differences({"a": 1.0}, {"a": 1.0 + 1e-9})}, Verdict.WITHIN_TOLERANCE),
        ({"metrics": metric_differences({"a": 1.0}, {"a": 1.1})}, Verdict.NOT_REPRODUCED),
        ({"metrics": metric_differences({"a": 1.0}, {})}, Verdict.NOT_REPRODUCED),
        ({"same_files": False, "predictions": FAR}, Verdict.NOT_REPRODUCED),
        ({"same_files": False, "predictions": OTHER_LABEL}, Verdict.NOT_REPRODUCED),
        ({"same_rows": False}, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_verdict_follows_from_what_differs(changes: dict[str, Any], verdict: Verdict) -> None:
    found = judge(**ALIKE | changes)
    assert found.verdict == verdict
    assert bool(found.reasons) == (verdict != Verdict.BIT_IDENTICAL)


def test_what_is_just_at_the_tolerance_is_within_it() -> None:
    metrics = metric_differences({"a": 100.0}, {"a": 101.0})
    assert judge(**ALIKE | {"metrics": metrics, "tolerance": 0.01}).verdict == Verdict.WITHIN_TOLERANCE


def test_metrics_are_told_from_the_farthest_on_and_missing_ones_first() -> None:
    found = metric_differences({"a": 1.0, "b": 10.0, "c": 5.0, "d": 0.0}, {"a": 1.1, "b": 20.0, "d": 0.0, "e": None})
    assert [one.name for one in found] == ["c", "e", "b", "a"]
    assert found[2].relative == pytest.approx(1.0)


def test_small_metrics_are_compared_as_they_are() -> None:
    assert metric_differences({"a": 0.0}, {"a": 1e-9})[0].relative == pytest.approx(1e-9)


def test_an_environment_differs_by_name() -> None:
    found = environment_differences({"python": "3.11", "numpy": "1"}, {"python": "3.11", "polars": "2"})
    assert [(one.name, one.first, one.again) for one in found] == [("numpy", "1", None), ("polars", None, "2")]


def test_the_environment_is_among_the_reasons() -> None:
    environment = environment_differences({"numpy": "1"}, {"numpy": "2"})
    found = judge(**ALIKE | {"same_files": False, "predictions": FAR, "environment": environment})
    assert found.reasons[-1] == "The environment differs: numpy was 1 and is 2."
