"""Figures from counts: rates, percentiles, and which seconds they are over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from domain.deployments.specs import TRAFFIC_EDGES, ErrorCount
from domain.errors import DomainError
from domain.monitoring.rates import Slice, buckets_of, errors_of, figures, percentile, series

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float, answered: int = 10, *errors: tuple[str, int, int], place: int = 20) -> Slice:
    return Slice(
        at=NOON + timedelta(seconds=seconds),
        version=1,
        answered=answered,
        rows=2 * answered,
        latency={str(place): answered},
        errors=[ErrorCount(code=code, status=status, count=count) for code, status, count in errors],
    )


class TestBuckets:
    @pytest.mark.parametrize(
        ("span", "asked", "seconds", "count"),
        [
            (timedelta(minutes=10), None, 10, 60),
            (timedelta(hours=1), None, 30, 120),
            (timedelta(hours=2), None, 60, 120),
            (timedelta(days=7), None, 21600, 28),
            (timedelta(seconds=5), None, 10, 1),
            (timedelta(hours=1), 600, 600, 6),
            (timedelta(hours=1), 86_400, 86_400, 1),
        ],
    )
    def test_are_of_the_length_asked_for_or_of_a_round_one(
        self, span: timedelta, asked: int | None, seconds: int, count: int
    ) -> None:
        found = buckets_of(NOON, NOON + span, asked)
        assert (found.seconds, found.count) == (seconds, count)

    def test_begin_at_whole_multiples_and_the_last_is_under_way(self) -> None:
        found = buckets_of(NOON + timedelta(seconds=47), NOON + timedelta(seconds=155), 60)
        assert (found.start, found.count) == (NOON, 3)
        assert [found.covered(place) for place in range(3)] == [60.0, 60.0, 35.0]

    @pytest.mark.parametrize(
        ("span", "seconds", "code", "where"),
        [
            (timedelta(hours=3), 10, "too_many_buckets", "bucket_seconds"),
            (timedelta(hours=1), 15, "uneven_buckets", "bucket_seconds"),
            (timedelta(0), 10, "empty_span", "since"),
            (timedelta(seconds=-1), None, "empty_span", "since"),
        ],
    )
    def test_that_cannot_be_are_refused(self, span: timedelta, seconds: int | None, code: str, where: str) -> None:
        with pytest.raises(DomainError) as refusal:
            buckets_of(NOON, NOON + span, seconds)
        assert (refusal.value.code, refusal.value.where) == (code, where)
        assert refusal.value.fix


class TestFigures:
    def test_errors_are_the_callers_the_limits_or_our_own(self) -> None:
        errors: list[tuple[str, int, int]] = [("invalid", 422, 3), ("too_busy", 429, 4), ("model_failed", 503, 5)]
        found = figures([at(0, 10, *errors), at(10, 10, ("unexpected", 500, 1), ("disconnected", 499, 1))], 20)
        assert (found.requests, found.rows, found.requests_per_second) == (34, 40, 1.7)
        assert (found.refused, found.limited, found.failed) == (4, 4, 6)

    def test_of_nothing_are_zero_and_have_no_percentiles(self) -> None:
        found = figures([], 10)
        assert (found.requests, found.requests_per_second, found.p50_ms, found.p99_ms) == (0, 0.0, None, None)
        assert figures([], 0).requests_per_second == 0.0

    def test_errors_are_added_up_by_code(self) -> None:
        found = errors_of([at(0, 1, ("a", 422, 1), ("b", 500, 1)), at(10, 1, ("b", 500, 2))])
        assert [(one.code, one.count) for one in found] == [("b", 3), ("a", 1)]


class TestSeries:
    def test_every_bucket_has_its_figures_with_or_without_requests(self) -> None:
        wanted = buckets_of(NOON, NOON + timedelta(seconds=50), 20)
        found = series([at(0), at(10), at(40), at(-10), at(60)], wanted)
        assert [one.requests for one in found] == [20, 0, 10]
        assert [one.requests_per_second for one in found] == [1.0, 0.0, 1.0]


class TestPercentile:
    @pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
    @pytest.mark.parametrize("scale", [0.0002, 0.003, 0.4])
    def test_is_right_to_within_a_tenth(self, share: float, scale: float) -> None:
        times = np.random.default_rng(1).lognormal(np.log(scale), 0.7, 20_000)
        places, counts = np.unique(np.searchsorted(TRAFFIC_EDGES, times, side="left"), return_counts=True)
        found = percentile(dict(zip(places.tolist(), counts.tolist(), strict=True)), share)
        assert found == pytest.approx(1000 * np.quantile(times, share), rel=0.1)

    @pytest.mark.parametrize(
        ("latency", "found"),
        [({}, None), ({3: 0}, None), ({0: 1}, TRAFFIC_EDGES[0] * 500), ({len(TRAFFIC_EDGES): 5}, 60_000.0)],
    )
    def test_at_the_ends(self, latency: dict[int, int], found: Any) -> None:
        assert percentile(latency, 0.5) == pytest.approx(found)
