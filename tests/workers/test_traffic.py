"""Segments are found by the time their ids tell, without a walk through the history."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectInfo
from workers.traffic import list_segments

NOW = datetime.now(UTC).replace(minute=30)


class CountingStore(LocalStore):
    """A folder that remembers what it was asked to list."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix)


def uuid7_at(moment: datetime, tail: int = 0) -> str:
    """A UUIDv7 of that moment (RFC 9562)."""
    text = f"{int(moment.timestamp() * 1000):012x}7000{0x8000000000000000 + tail:016x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def file(store: LocalStore, at: datetime) -> str:
    """A segment of ten rows around that moment; the id in its middle."""
    first, middle, last = (uuid7_at(at, tail) for tail in (0, 5, 9))
    store.put(f"predictions/e/{at:%Y-%m-%dT%H}/{first}_{last}_10.parquet", b"")
    return middle


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "models")


@pytest.fixture
def history(store: CountingStore) -> list[str]:
    """The middle ids of a segment of each of the last 200 hours, oldest first."""
    return [file(store, NOW - timedelta(hours=hours)) for hours in range(199, -1, -1)]


def test_all_are_listed_without_a_bound(store: CountingStore, history: list[str]) -> None:
    assert len(list(list_segments(store, "e"))) == len(history)
    assert list(list_segments(store, "other")) == []


@pytest.mark.parametrize("back", [1, 2, 50])
def test_recent_ones_are_found_in_their_hours_alone(store: CountingStore, history: list[str], back: int) -> None:
    found = list(list_segments(store, "e", since_id=history[-back]))
    assert [segment.first_id < since < segment.last_id for segment, since in zip(found, history[-back:], strict=True)]
    assert len(found) == back
    assert len(store.listed) <= back + 2
    assert "predictions/e" not in store.listed


def test_an_old_bound_is_one_listing_of_all(store: CountingStore, history: list[str]) -> None:
    assert len(list(list_segments(store, "e", since_id=history[0]))) == 200
    assert store.listed == ["predictions/e"]


def test_one_prediction_of_long_ago_is_looked_for_in_two_hours(store: CountingStore, history: list[str]) -> None:
    wanted = history[3]
    found = list(list_segments(store, "e", since_id=wanted, until_id=wanted))
    assert wanted > found[0].first_id
    assert wanted < found[0].last_id
    assert len(store.listed) == 2


def test_an_answer_filed_in_the_hour_after_its_id_is_found(store: CountingStore) -> None:
    turn = NOW.replace(minute=0, second=0, microsecond=0)
    first, last = uuid7_at(turn - timedelta(milliseconds=1)), uuid7_at(turn - timedelta(milliseconds=1), 9)
    store.put(f"predictions/e/{turn:%Y-%m-%dT%H}/{first}_{last}_10.parquet", b"")
    assert len(list(list_segments(store, "e", since_id=first, until_id=first))) == 1


def test_an_id_that_tells_no_time_bounds_nothing_but_the_order(store: CountingStore, history: list[str]) -> None:
    assert len(list(list_segments(store, "e", since_id=""))) == 200
    assert list(list_segments(store, "e", since_id="zzz")) == []
