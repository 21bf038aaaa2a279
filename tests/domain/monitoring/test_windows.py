"""Where windows begin and end."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.monitoring.specs import GovernorPolicy, MonitorPolicy
from domain.monitoring.windows import Segment, plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def segment(first: int, rows: int, *, age_seconds: float = 0.0) -> Segment:
    written = NOW - timedelta(seconds=age_seconds)
    return Segment(f"s{first}", f"{first:05}", f"{first + rows - 1:05}", rows, written)


def planned(segments: list[Segment], **policy: float) -> list[tuple[str, str, int]]:
    found = plan(segments, MonitorPolicy.model_validate({"window_rows": 100, "min_rows": 20, **policy}), NOW)
    return [(one.first_id, one.last_id, one.rows) for one in found]


@pytest.mark.parametrize(
    ("segments", "windows"),
    [
        ([], []),
        ([segment(0, 99)], []),
        ([segment(0, 100)], [("00000", "00099", 100)]),
        ([segment(0, 60), segment(60, 60)], [("00000", "00119", 120)]),
        ([segment(60, 60), segment(0, 60)], [("00000", "00119", 120)]),
        ([segment(0, 250)], [("00000", "00249", 250)]),
        ([segment(0, 100), segment(100, 100), segment(200, 50)], [("00000", "00099", 100), ("00100", "00199", 100)]),
    ],
)
def test_a_window_closes_when_it_is_full(segments: list[Segment], windows: list[tuple[str, str, int]]) -> None:
    assert planned(segments) == windows


@pytest.mark.parametrize(
    ("rows", "age_seconds", "closes"), [(20, 60.0, True), (20, 59.0, False), (19, 3600.0, False), (99, 61.0, True)]
)
def test_a_window_closes_by_time_with_enough_rows(rows: int, age_seconds: float, closes: bool) -> None:
    found = planned([segment(0, rows, age_seconds=age_seconds)], window_seconds=60)
    assert bool(found) == closes


def test_time_does_not_close_a_window_unless_asked() -> None:
    assert planned([segment(0, 99, age_seconds=1e6)]) == []


def test_overlapping_segments_span_the_window() -> None:
    wide = Segment("wide", "00000", "00999", 60, NOW)
    assert planned([wide, segment(10, 60)]) == [("00000", "00999", 120)]


def test_a_policy_that_could_never_close_or_start_is_refused() -> None:
    with pytest.raises(ValidationError, match="min_rows is above window_rows"):
        MonitorPolicy(window_rows=50, min_rows=51)
    with pytest.raises(ValidationError, match="windows_needed is above windows_seen"):
        GovernorPolicy(windows_needed=4, windows_seen=3)
