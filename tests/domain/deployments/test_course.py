"""The course of a trial: which moments are kept, and how a band is read."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.deployments.bands import Band, BandName
from domain.deployments.course import COURSE, MOST, Point, follow, sentence, since_trial
from domain.deployments.progress import Move

START = datetime(2026, 1, 1, tzinfo=UTC)


def point(requests: int, *, step: int = 0, move: Move | None = None, low: float | None = None) -> Point:
    at = START + timedelta(seconds=requests)
    return Point(at=at, step=step, requests=requests, move=move, bands={"faults": Band(low=low)})


def course(*points: Point) -> list[Point]:
    kept: list[Point] = []
    for one in points:
        kept = follow(kept, one)
    return kept


def requests(points: list[Point]) -> list[int]:
    return [one.requests for one in points]


class TestFollow:
    def test_adds_moments_that_requests_came_between(self) -> None:
        assert requests(course(point(0), point(10), point(20))) == [0, 10, 20]

    def test_puts_a_moment_in_place_of_one_hardly_before_it(self) -> None:
        assert requests(course(point(1_000), point(1_010), point(1_020), point(1_030), point(1_040))) == [
            1_000, 1_020, 1_040
        ]  # fmt: skip

    def test_is_the_same_while_nothing_happens(self) -> None:
        once = course(point(10), point(20))
        later = point(20).model_copy(update={"at": START + timedelta(days=1)})
        assert follow(once, later) == once

    def test_takes_labels_that_came_without_requests(self) -> None:
        assert course(point(10), point(20), point(20, low=1.0)) == [point(10), point(20, low=1.0)]

    def test_passes_over_one_that_saw_less_than_the_last(self) -> None:
        assert requests(course(point(20), point(10))) == [20]

    def test_keeps_all_that_something_was_decided_on(self) -> None:
        moments = [point(1_000 + more, move=Move.PAUSE) for more in range(3)]
        assert course(point(1_000), *moments, point(1_003)) == [*moments, point(1_003)]

    def test_keeps_the_first_and_the_last_of_a_step(self) -> None:
        assert requests(course(point(1_000), point(1_001, step=1), point(1_002, step=2))) == [1_000, 1_001, 1_002]

    @pytest.mark.parametrize("steps", [1, 20])
    def test_stays_short_however_long_it_goes_on(self, steps: int) -> None:
        kept: list[Point] = []
        for at in range(6_000):
            step = at * steps // 6_000
            ends = (at + 1) * steps // 6_000 > step
            kept = follow(kept, point(round(1.03 ** (at / 10)) + at, step=step, move=Move.STEP if ends else None))
            assert len(kept) <= MOST
        assert (kept[0].requests, kept[-1].requests) == (1, round(1.03**599.9) + 5_999)
        assert sum(one.move is not None for one in kept) == steps
        assert requests(kept) == sorted(requests(kept))

    def test_is_kept_without_what_is_not_there(self) -> None:
        kept = COURSE.dump_python([point(1, low=0.5)], mode="json", exclude_none=True)
        assert kept == [{"at": "2026-01-01T00:00:01Z", "step": 0, "requests": 1, "bands": {"faults": {"low": 0.5}}}]
        assert COURSE.validate_python(kept) == [point(1, low=0.5)]


def test_after_the_switch_it_is_counted_on() -> None:
    after = since_trial([point(100), point(200, step=1)], point(30, step=2))
    assert after.requests == 230
    assert since_trial([point(200, step=1), after], point(40, step=2)).requests == 240
    assert since_trial([], point(40)).requests == 40


class TestSentence:
    @pytest.mark.parametrize(
        ("name", "band", "allowed", "said"),
        [
            (
                "faults",
                Band(low=0.31, high=2.104),
                1.0,
                (
                    "Faults: between 0.31 and 2.1 times as many as the control's after 1,200 requests;"
                    " it fails once the low end reaches 1."
                ),
            ),
            (
                "disagreement",
                Band(high=0.0412),
                0.1,
                (
                    "Copies on which the two disagree: at most 4.12 % after 1,200 requests;"
                    " it fails once the low end reaches 10 %."
                ),
            ),
            (
                "latency",
                Band(low=1.837),
                1.5,
                (
                    "Time to answer: at least 1.84 times as long as the control's after 1,200 requests;"
                    " it failed, as the low end has reached 1.5."
                ),
            ),
            (
                "disagreement",
                Band(estimate=0.1),
                None,
                (
                    "Copies on which the two disagree: nothing is ruled out after 1,200 requests;"
                    " nothing is known of what to expect, so it is not judged."
                ),
            ),
        ],
    )
    def test_reads_a_band(self, name: BandName, band: Band, allowed: float | None, said: str) -> None:
        assert sentence(name, band, allowed=allowed, requests=1_200) == said
