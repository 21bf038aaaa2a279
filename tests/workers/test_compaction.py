"""An hour's segments become one per version; whoever reads or is killed at any moment loses and doubles nothing."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import httpx
import orjson
import polars as pl
import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectMissing
from adapters.runtime import Runtime
from domain.deployments.queries import get_endpoint
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.monitoring import service as monitoring
from domain.monitoring.queries import latest_windows
from domain.monitoring.specs import GovernorPolicy, MonitorPolicy
from domain.monitoring.windows import plan
from domain.registry.service import create_model
from domain.registry.specs import InputColumn, Signature
from serving.segments import Recorded, segment_files
from tests.conftest import Drain
from tests.workers.test_traffic import uuid7_at
from workers.compaction import compact, expire
from workers.handlers.monitoring import open_windows_of, tidy_by_the_hour
from workers.toolbox import Toolbox
from workers.traffic import id_at, list_segments, read_segments

SIGNATURE = Signature(task="regression", target="y", inputs=[InputColumn(name="x", type="integer")])
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
NEVER = "g"


def write(store: LocalStore, at: datetime, xs: Iterable[int], *, version: int = 1) -> str:
    """The key of a segment as serving writes it; each row's id ends in its x."""
    values = list(xs)
    answered = Recorded(
        endpoint="e", version=version, package="0" * 64, mode="live", signature=SIGNATURE,
        at=int(at.timestamp() * 1e6), latency_us=1, ids=[uuid7_at(at, x) for x in values],
        inputs=orjson.dumps([{"x": x} for x in values]), has_extra=False, redact=(),
        predictions=[float(x) for x in values], probabilities=None,
    )  # fmt: skip
    [(key, content)] = segment_files([answered], rows=1000)
    store.put(key, content)
    return key


def minutes(*counts: int) -> list[datetime]:
    return [NOON + timedelta(minutes=count) for count in counts]


def keys(store: LocalStore) -> list[str]:
    return sorted(segment.key for segment in list_segments(store, "e"))


def xs(store: LocalStore, wanted: Iterable[str]) -> list[int]:
    found: list[int] = read_segments(store, wanted)["inputs"].struct.field("x").to_list()
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def store(home: Path) -> LocalStore:
    return LocalStore(home)


@pytest.fixture
def parts(store: LocalStore) -> list[str]:
    """Three segments of one version, of which the second was begun before the first, and one of another."""
    early, middle, late = minutes(1, 2, 30)
    return [
        write(store, middle, [5, 6]), write(store, early, [1, 2, 3]), write(store, late, [7]),
        write(store, middle, [4], version=2),
    ]  # fmt: skip


class TestCompact:
    def test_leaves_one_segment_per_version_with_ids_ascending(self, store: LocalStore, parts: list[str]) -> None:
        assert compact(store, "e", before_id=NEVER, now=LATER) == 4
        first, second = sorted(list_segments(store, "e"), key=lambda one: one.rows, reverse=True)
        assert (first.rows, second.rows, first.compacted, second.compacted) == (6, 1, True, True)
        table = pl.read_parquet(BytesIO(store.get(first.key)))
        assert table["id"].is_sorted()
        assert table["inputs"].struct.field("x").to_list() == [1, 2, 3, 5, 6, 7]
        assert (first.first_id, first.last_id) == (table["id"][0], table["id"][-1])

    def test_parts_are_still_found_by_their_keys(self, store: LocalStore, parts: list[str]) -> None:
        before = [read_segments(store, [key]) for key in parts]
        compact(store, "e", before_id=NEVER, now=LATER)
        for key, rows in zip(parts, before, strict=True):
            assert read_segments(store, [key]).equals(rows)
        assert sorted(xs(store, parts)) == [1, 2, 3, 4, 5, 6, 7]

    def test_late_segments_join_the_hour_and_its_former_segment_is_still_found(
        self, store: LocalStore, parts: list[str]
    ) -> None:
        compact(store, "e", before_id=NEVER, now=LATER)
        former = keys(store)
        late = write(store, NOON + timedelta(minutes=40), [8])
        compact(store, "e", before_id=NEVER, now=LATER)
        assert len(keys(store)) == 2
        assert sorted(xs(store, former)) == [1, 2, 3, 4, 5, 6, 7]
        assert xs(store, [late]) == [8]
        assert sorted(xs(store, keys(store))) == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_is_done_once(self, store: LocalStore, parts: list[str]) -> None:
        compact(store, "e", before_id=NEVER, now=LATER)
        done = keys(store)
        assert compact(store, "e", before_id=NEVER, now=LATER) == 0
        assert keys(store) == done

    def test_a_segment_has_a_bound(self, store: LocalStore, parts: list[str]) -> None:
        compact(store, "e", before_id=NEVER, now=LATER, rows=4)
        assert sorted(segment.rows for segment in list_segments(store, "e")) == [1, 3, 3]
        assert sorted(xs(store, keys(store))) == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.parametrize(
        ("now", "before_id"),
        [(NOON + timedelta(minutes=65), NEVER), (LATER, id_at(NOON + timedelta(minutes=20))), (LATER, "")],
    )
    def test_leaves_hours_that_are_not_settled_and_what_a_window_may_take(
        self, store: LocalStore, parts: list[str], now: datetime, before_id: str
    ) -> None:
        assert compact(store, "e", before_id=before_id, now=now) == 0
        assert keys(store) == sorted(parts)

    def test_leaves_an_hour_that_somebody_else_is_at(self, home: Path, store: LocalStore, parts: list[str]) -> None:
        class Overtaken(LocalStore):
            def get(self, key: str) -> bytes:
                store.delete(parts[2])
                return super().get(key)

        assert compact(Overtaken(home), "e", before_id=NEVER, now=LATER) == 0
        assert keys(store) == sorted(set(parts) - {parts[2]})


class Killed(BaseException):
    pass


class DyingStore(LocalStore):
    """Dies at its nth write or deletion, before or after it."""

    def __init__(self, root: Path, deaths: list[int]) -> None:
        super().__init__(root)
        self._left = deaths

    def _step(self) -> None:
        self._left[0] -= 1
        if self._left[0] < 0:
            raise Killed

    def put(self, key: str, data: bytes) -> None:
        self._step()
        super().put(key, data)
        self._step()

    def delete(self, key: str) -> None:
        self._step()
        super().delete(key)
        self._step()

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)


class TestKilled:
    @pytest.mark.parametrize("step", range(12))
    def test_at_any_step_rows_are_seen_once_and_the_next_one_finishes(
        self, home: Path, store: LocalStore, parts: list[str], step: int
    ) -> None:
        with pytest.raises(Killed):
            compact(DyingStore(home, [step]), "e", before_id=NEVER, now=LATER)
        assert sorted(xs(store, keys(store))) == [1, 2, 3, 4, 5, 6, 7]
        assert sorted(xs(store, parts)) == [1, 2, 3, 4, 5, 6, 7]
        compact(store, "e", before_id=NEVER, now=LATER)
        assert len(keys(store)) == 2
        assert sorted(xs(store, keys(store))) == sorted(xs(store, parts)) == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.slow
    def test_by_the_system(self, home: Path, store: LocalStore, parts: list[str]) -> None:
        program = (
            "import os, signal, sys; from pathlib import Path; from tests.workers import test_compaction as t\n"
            "class Store(t.DyingStore):\n"
            "    def _step(self):\n"
            "        try: super()._step()\n"
            "        except t.Killed: os.kill(os.getpid(), signal.SIGKILL)\n"
            "t.compact(Store(Path(sys.argv[1]), [5]), 'e', before_id=t.NEVER, now=t.LATER)\n"
        )
        done = subprocess.run([sys.executable, "-c", program, str(home)], check=False)
        assert done.returncode == -9
        assert len(keys(store)) == 5
        assert sorted(xs(store, keys(store))) == [1, 2, 3, 4, 5, 6, 7]


class TestExpire:
    def test_deletes_whole_segments_that_are_older_unless_they_are_needed(
        self, store: LocalStore, parts: list[str]
    ) -> None:
        needed = uuid7_at(minutes(2)[0], 5)
        assert expire(store, "e", before=NOON + timedelta(minutes=20), needed=[(needed, needed)]) == 2
        assert keys(store) == sorted({parts[0], parts[2]})
        with pytest.raises(ObjectMissing):
            read_segments(store, [parts[1]])


class TestTidy:
    """The job over an endpoint with a monitor: what its windows need or may still take is left."""

    @pytest.fixture
    def hours(self, client: httpx.Client, runtime: Runtime) -> list[str]:
        """Two segments in each of eight hours until an hour ago, oldest first."""
        store = runtime.models
        assert isinstance(store, LocalStore)
        start = runtime.clock().replace(minute=0, second=0, microsecond=0) - timedelta(hours=9)
        times = [start + timedelta(hours=hour, minutes=minute) for hour in range(8) for minute in (5, 6)]
        return [write(store, at, [place]) for place, at in enumerate(times)]

    def endpoint(self, runtime: Runtime, windows: list[list[str]], **settings: object) -> None:
        with runtime.transaction() as session:
            create_model(session, name="m", task="regression", target="y")
            put_endpoint(session, name="e", model="m", settings=EndpointSettings.model_validate(settings))
        with runtime.transaction() as session:
            policy = MonitorPolicy.model_construct(window_rows=2, window_seconds=None)
            found = {segment.key: segment for segment in list_segments(runtime.models, "e")}
            for window in windows:
                plans = plan([found[key] for key in window], policy, runtime.clock())
                endpoint_id = get_endpoint(session, "e").id
                monitoring.open_windows(session, endpoint_id=endpoint_id, plans=plans)

    def test_compacts_what_no_window_can_still_take(
        self, runtime: Runtime, hours: list[str], tools: Toolbox, drain: Drain
    ) -> None:
        self.endpoint(runtime, [hours[at : at + 2] for at in range(0, 10, 2)])
        tidy_by_the_hour(tools)
        tidy_by_the_hour(tools)
        [job] = [job for job in drain() if job.kind == "TidyPredictions"]
        assert job.result == {"merged": 4, "expired": 0}
        listed = list(list_segments(runtime.models, "e"))
        assert sum(segment.compacted for segment in listed) == 2
        assert {segment.key for segment in listed if not segment.compacted} == set(hours[4:])

    def test_deletes_what_is_older_than_it_is_kept_but_not_what_an_open_window_needs(
        self, runtime: Runtime, tools: Toolbox, drain: Drain, client: httpx.Client
    ) -> None:
        store = runtime.models
        assert isinstance(store, LocalStore)
        days_ago = [runtime.clock() - timedelta(days=days) for days in (5, 4, 3, 1)]
        old, needed, also, kept = [write(store, at, [place]) for place, at in enumerate(days_ago)]
        self.endpoint(runtime, [[needed, also]], keep_days=2)
        tidy_by_the_hour(tools)
        [job] = [job for job in drain() if job.kind == "TidyPredictions"]
        assert job.result == {"merged": 0, "expired": 1}
        assert keys(store) == sorted({needed, also, kept})
        assert old not in keys(store)

    @pytest.mark.parametrize(("keep_days", "left"), [(None, 2), (7, 1)])
    def test_what_candidates_said_to_copies_goes_too(
        self, runtime: Runtime, tools: Toolbox, drain: Drain, keep_days: int | None, left: int
    ) -> None:
        store = runtime.models
        assert isinstance(store, LocalStore)
        for days in (100, 30, 1):
            recorded = write(store, runtime.clock() - timedelta(days=days), [days])
            store.put(recorded.replace("predictions/", "shadows/", 1), store.get(recorded))
            store.delete(recorded)
        self.endpoint(runtime, [], keep_days=keep_days)
        tidy_by_the_hour(tools)
        drain()
        assert len(list(store.list("shadows/e"))) == left

    def test_no_window_is_opened_over_what_has_expired(self, runtime: Runtime, tools: Toolbox) -> None:
        store = runtime.models
        assert isinstance(store, LocalStore)
        days_ago = [runtime.clock() - timedelta(days=days) for days in (5, 1)]
        _, kept = [write(store, at, range(place, place + 60)) for place, at in enumerate(days_ago)]
        self.endpoint(runtime, [], keep_days=2)
        with runtime.transaction() as session:
            policy = MonitorPolicy(window_rows=50, min_rows=50)
            monitoring.set_policies(session, endpoint="e", policy=policy, governor=GovernorPolicy())
        with runtime.reading() as session:
            endpoint = get_endpoint(session, "e")
        open_windows_of(tools, endpoint)
        with runtime.reading() as session:
            [window] = latest_windows(session, endpoint.id, limit=10)
        assert window.segments == [kept]
