"""The rule of reachability: a content stays for a reason, a chunk for a content or a difference, a pack for a chunk."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.gc.reach import Fate, RootKind, drop_bases, drop_reached, fate_of, kept_by

NOW = datetime(2026, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def kinds(*named: RootKind, age: timedelta = 100 * HOUR, jobs_since: datetime | None = None) -> list[RootKind]:
    return kept_by(
        "d",
        NOW - age,
        needed={kind: {"d"} if kind in named else {"other"} for kind in RootKind},
        young_since=NOW - 72 * HOUR,
        jobs_since=jobs_since,
    )


class TestContent:
    def test_goes_when_no_root_names_it_and_it_is_old(self) -> None:
        assert kinds() == []

    @pytest.mark.parametrize("kind", list(RootKind))
    def test_stays_for_a_root_of_any_kind(self, kind: RootKind) -> None:
        assert kinds(kind) == [kind]

    def test_names_every_reason(self) -> None:
        assert kinds(RootKind.RUNS, RootKind.PINS, age=HOUR) == [RootKind.PINS, RootKind.RUNS, RootKind.GRACE]

    @pytest.mark.parametrize(("hours", "young"), [(71, True), (72, True), (73, False)])
    def test_stays_through_the_grace_period(self, hours: int, young: bool) -> None:
        assert kinds(age=hours * HOUR) == ([RootKind.GRACE] if young else [])

    def test_stays_when_it_came_after_a_job_in_flight_began(self) -> None:
        assert kinds(age=80 * HOUR, jobs_since=NOW - 90 * HOUR) == [RootKind.JOBS]
        assert kinds(age=91 * HOUR, jobs_since=NOW - 90 * HOUR) == []


def chunks(names: str) -> set[bytes]:
    return {name.encode() for name in names}


class TestChunk:
    def test_stays_for_a_content_that_is_made_of_it(self) -> None:
        dead = chunks("abcd")
        drop_reached(dead, [[b"a", b"x"], [b"c"]])
        assert dead == chunks("bd")

    def test_stays_for_a_difference_that_stays(self) -> None:
        dead = chunks("ab")
        drop_bases(dead, [(b"x", b"a"), (b"y", b"z")])
        assert dead == chunks("b")

    def test_goes_with_a_difference_that_goes(self) -> None:
        dead = chunks("ax")
        drop_bases(dead, [(b"x", b"a")])
        assert dead == chunks("ax")

    def test_stays_for_a_difference_of_a_difference(self) -> None:
        dead = chunks("ab")
        drop_bases(dead, [(b"b", b"a"), (b"x", b"b")])
        assert dead == set()


class TestPack:
    @pytest.mark.parametrize(
        ("live", "fate"),
        [(0, Fate.DELETED), (1, Fate.COMPACTED), (69, Fate.COMPACTED), (70, Fate.KEPT), (100, Fate.KEPT)],
    )
    def test_is_rewritten_when_it_is_worth_it(self, live: int, fate: Fate) -> None:
        assert fate_of(payload=100, live=live) == fate
