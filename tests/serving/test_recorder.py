"""The recorder: every answer becomes one row of a segment, or is counted as dropped; the store may come and go."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prometheus_client import CollectorRegistry
from uuid_utils import uuid7

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectStore, StoreForbidden, StoreUnavailable
from domain.errors import DomainError
from domain.registry.specs import InputColumn, Signature
from serving.app import ServingApp
from serving.metrics import ServingMetrics
from serving.recorder import Recorder
from serving.segments import Recorded
from tests.serving.conftest import Client, Serve
from tests.serving.plants import (
    REGRESSION,
    ROW,
    TOKEN,
    MovableStore,
    admit,
    classifier_package,
    eventually,
    expected,
    route,
)


class SlowStore(LocalStore):
    """A store that takes an object only when it is told to go on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.writing = threading.Event()
        self.go_on = threading.Event()

    def put(self, key: str, data: bytes) -> None:
        self.writing.set()
        assert self.go_on.wait(10)
        super().put(key, data)


NOON = int(datetime(2012, 7, 1, 12, 30, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3600 * 1_000_000


def recorded(count: int = 1, *, at: int = NOON, version: int = 1, **changes: Any) -> Recorded:
    fields: dict[str, Any] = {
        "endpoint": "bikes", "version": version, "package": f"{version:064}", "mode": "live", "signature": REGRESSION,
        "at": at, "latency_us": 42, "ids": [str(uuid7()) for _ in range(count)],
        "inputs": orjson.dumps([ROW] * count), "has_extra": False, "redact": (),
        "predictions": [1.5] * count, "probabilities": None,
    }  # fmt: skip
    return Recorded(**{**fields, **changes})


def segments(store: ObjectStore) -> dict[str, pa.Table]:
    with_bytes = {info.key: store.open(info.key) for info in store.list("predictions/")}
    tables = {}
    for key, file in with_bytes.items():
        with file:
            tables[key] = pq.read_table(file)
    return tables


def rows_of(store: ObjectStore) -> list[dict[str, Any]]:
    return [row for table in segments(store).values() for row in table.to_pylist()]


@pytest.fixture
def metrics() -> ServingMetrics:
    return ServingMetrics(CollectorRegistry())


def value(metrics: ServingMetrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


class TestSegment:
    def test_holds_each_answer_with_its_typed_inputs(self, store: MovableStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), extra_columns="record")
        second = {"hour": 7.0, "temp": None, "holiday": True, "season": "summer", "note": {"rain": [1]}}
        with serve() as client:
            ids = client.post("/serve/bikes/predict", json={"instances": [ROW, second]}).json()["ids"]
            eventually(lambda: segments(store))
        [(key, table)] = segments(store).items()
        first, last = table.to_pylist()
        assert (first["id"], last["id"]) == tuple(ids)
        assert key == f"predictions/bikes/{first['at']:%Y-%m-%dT%H}/{ids[0]}_{ids[1]}_2.parquet"
        assert first["inputs"] == ROW
        assert last["inputs"] == {"hour": 7, "temp": None, "holiday": True, "season": "summer"}
        assert (first["extra"], last["extra"]) == (None, '{"note":{"rain":[1]}}')
        assert (first["prediction"], first["endpoint"], first["version"]) == (expected(ROW, 1), "bikes", 1)
        assert (first["package"], first["mode"], first["probabilities"]) == (bikes, "live", None)
        assert first["latency_us"] > 0
        assert table.schema.field("at").type == pa.timestamp("us", "UTC")
        inputs = {field.name: field.type for field in table.schema.field("inputs").type}
        assert inputs == {"hour": pa.int64(), "temp": pa.float64(), "holiday": pa.bool_(), "season": pa.string()}

    @pytest.mark.parametrize(("classes", "text"), [(["no", "yes"], "yes"), ([0, 1], "1"), ([False, True], "true")])
    def test_keeps_labels_as_text_with_their_probabilities(
        self, store: MovableStore, serve: Serve, classes: list[Any], text: str
    ) -> None:
        admit(store, TOKEN)
        route(store, "signs", 1, (1, classifier_package(store, classes)))
        with serve() as client:
            client.post("/serve/signs/predict", json={"instances": [{"x": 3.0}]})
        [row] = rows_of(store)
        assert row["prediction"] == text
        assert row["probabilities"] == pytest.approx([0.047426, 0.952574], abs=1e-5)

    def test_reads_times_as_utc_and_has_no_room_for_enormous_integers(
        self, store: MovableStore, metrics: ServingMetrics
    ) -> None:
        columns = [InputColumn(name="when", type="datetime", nullable=True), InputColumn(name="n", type="integer")]
        signature = Signature(task="regression", target="y", inputs=columns)
        rows = [
            {"when": "2012-07-01T02:00:00+02:00", "n": 1e30},
            {"when": "2012-07-01", "n": 3},
            {"when": None, "n": 0},
        ]
        recorder = Recorder(store, metrics)
        recorder.record(recorded(3, signature=signature, inputs=orjson.dumps(rows)))
        recorder.flush()
        midnight = datetime(2012, 7, 1)  # noqa: DTZ001 - the column has no zone
        assert [row["inputs"] for row in rows_of(store)] == [
            {"when": midnight, "n": None}, {"when": midnight, "n": 3}, {"when": None, "n": 0}
        ]  # fmt: skip

    def test_is_one_per_endpoint_version_and_hour(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics)
        for record in (
            recorded(2), recorded(3), recorded(1, version=2), recorded(1, at=NOON + HOUR), recorded(1, endpoint="rides")
        ):  # fmt: skip
            recorder.record(record)
        recorder.flush()
        found = {(key.split("/")[1], key.split("/")[2], table.num_rows) for key, table in segments(store).items()}
        assert found == {
            ("bikes", "2012-07-01T12", 5),
            ("bikes", "2012-07-01T12", 1),
            ("bikes", "2012-07-01T13", 1),
            ("rides", "2012-07-01T12", 1),
        }
        assert value(metrics, "millrace_recorder_rows_total") == 8

    def test_is_not_written_where_the_endpoint_says_so(self, store: MovableStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), record=False)
        with serve() as client:
            assert client.post("/serve/bikes/predict", json={"instances": [ROW]}).json()["ids"]
        assert rows_of(store) == []

    def test_records_refused_rows_never(self, client: Client, store: MovableStore) -> None:
        assert client.post("/serve/bikes/predict", json={"instances": [ROW, {**ROW, "hour": "x"}]}).status_code == 422
        assert client.post("/serve/bikes/predict", json={"instances": [ROW]}).status_code == 200
        eventually(lambda: segments(store))
        assert len(rows_of(store)) == 1

    @pytest.mark.parametrize(
        "body",
        [
            b'{"instances": [\r\n  {"hour": 5, "temp": 0.5,\n "holiday": false, "season": "winter"}\n]}',
            b'{"instances": [], "instances": [{"hour": 5, "temp": 0.5, "holiday": false, "season": "winter"}]}',
            b'{"instances": [{"hour": 9, "hour": 5, "temp": 0.5, "holiday": false, "season": "winter"}]}',
            b'{"\\u0069nstances": [{"hour": 5, "temp": 0.5, "holiday": false, "seaso\\u006e": "wint\\u0065r"}]}',
        ],
    )
    def test_holds_rows_however_their_json_is_written(
        self, bikes: str, store: MovableStore, serve: Serve, body: bytes
    ) -> None:
        with serve() as client:
            headers = {"Content-Type": "application/json"}
            answer = client.post("/serve/bikes/predict", content=body, headers=headers)
            assert answer.json()["predictions"] == [expected(ROW, 1)]
        assert [row["inputs"] for row in rows_of(store)] == [ROW]


class TestShare:
    @pytest.mark.parametrize(("share", "bounds"), [(0.0, (0, 0)), (0.5, (60, 140)), (1.0, (200, 200))])
    def test_of_the_requests_is_kept(
        self, store: MovableStore, bikes: str, serve: Serve, share: float, bounds: tuple[int, int]
    ) -> None:
        route(store, "bikes", 2, (1, bikes), record_share=share)
        with serve() as client:
            ids = [client.post("/serve/bikes/predict", json={"instances": [ROW]}).json()["ids"][0] for _ in range(200)]
        kept = {row["id"] for row in rows_of(store)}
        assert kept <= set(ids)
        assert bounds[0] <= len(kept) <= bounds[1]


class TestRedact:
    def test_values_are_never_kept_but_used(self, store: MovableStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), extra_columns="record", redact=["temp", "season", "name"])
        with serve() as client:
            ask = {"instances": [ROW | {"name": "Ada", "shoe": 39}]}
            assert client.post("/serve/bikes/predict", json=ask).json()["predictions"] == [expected(ROW, 1)]
            assert client.post("/serve/bikes/predict", json={"instances": [ROW]}).status_code == 200
        kept = {**ROW, "temp": None, "season": None}
        rows = sorted(rows_of(store), key=lambda row: row["id"])
        assert [row["inputs"] for row in rows] == [kept, kept]
        assert [row["extra"] for row in rows] == ['{"name":null,"shoe":39}', None]
        assert not any(b"Ada" in store.get(info.key) for info in store.list("predictions/"))

    def test_all_columns_may_be(self, store: MovableStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), redact=list(ROW))
        with serve() as client:
            client.post("/serve/bikes/predict", json={"instances": [ROW, ROW]})
        assert [row["inputs"] for row in rows_of(store)] == [dict.fromkeys(ROW)] * 2

    def test_holds_from_the_next_answer_on(
        self, store: MovableStore, bikes: str, app: ServingApp, serve: Serve
    ) -> None:
        with serve() as client:
            client.post("/serve/bikes/predict", json={"instances": [ROW]})
            route(store, "bikes", 2, (1, bikes), redact=["hour"])
            app.table.refresh()
            client.post("/serve/bikes/predict", json={"instances": [ROW]})
        hours = [row["inputs"]["hour"] for row in sorted(rows_of(store), key=lambda row: row["id"])]
        assert hours == [5, None]


class TestBounds:
    def test_a_segment_has_no_more_rows_than_it_may(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics, segment_rows=4)
        records = [recorded(3), recorded(2), recorded(1), recorded(9), recorded(4)]
        for record in records:
            recorder.record(record)
        recorder.flush()
        tables = sorted(segments(store).items())
        assert [table.num_rows for _, table in tables] == [3, 3, 4, 4, 1, 4]
        assert [row["id"] for _, table in tables for row in table.to_pylist()] == [
            key for record in records for key in record.ids
        ]

    def test_flushes_early_when_it_is_large(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics, flush_seconds=60, flush_bytes=3_000)
        recorder.start()
        for _ in range(5):
            recorder.record(recorded())
        eventually(lambda: len(rows_of(store)) >= 3)
        recorder.stop()

    def test_drops_the_oldest_and_counts_them(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics, max_rows=5)
        records = [recorded(2) for _ in range(4)]
        for record in records:
            recorder.record(record)
        recorder.flush()
        assert {row["id"] for row in rows_of(store)} == {key for record in records[2:] for key in record.ids}
        assert value(metrics, "millrace_recorder_dropped_rows_total") == 4

    def test_flushes_early_when_there_is_much(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics, flush_seconds=60, flush_rows=10)
        recorder.start()
        recorder.record(recorded(9))
        recorder.record(recorded(1))
        eventually(lambda: len(rows_of(store)) == 10)
        recorder.stop()

    def test_writes_what_is_left_on_stop(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics, flush_seconds=60)
        recorder.start()
        recorder.record(recorded(3))
        recorder.stop()
        assert len(rows_of(store)) == 3

    @pytest.mark.parametrize("refusal", [StoreUnavailable, StoreForbidden])
    def test_keeps_rows_while_the_store_is_away_up_to_the_bound(
        self, store: MovableStore, metrics: ServingMetrics, refusal: type[DomainError]
    ) -> None:
        recorder = Recorder(store, metrics, max_rows=4)
        store.away, store.refusal = True, refusal
        early, late = recorded(3), recorded(2)
        recorder.record(early)
        recorder.flush()
        assert value(metrics, "millrace_recorder_waiting_rows") == 3
        recorder.record(late)
        recorder.flush()
        store.away = False
        recorder.flush()
        assert {row["id"] for row in rows_of(store)} == set(late.ids)
        assert value(metrics, "millrace_recorder_dropped_rows_total") == 3
        assert value(metrics, "millrace_recorder_waiting_rows") == 0

    def test_a_row_that_fits_no_segment_holds_up_nobody(self, store: MovableStore, metrics: ServingMetrics) -> None:
        recorder = Recorder(store, metrics)
        recorder.record(recorded(1, version=1, inputs=orjson.dumps([{**ROW, "holiday": "not a boolean"}])))
        recorder.record(recorded(2, version=2))
        recorder.flush()
        assert len(rows_of(store)) == 2
        assert value(metrics, "millrace_recorder_dropped_rows_total") == 1

    def test_recording_never_waits_for_the_store(self, tmp_path: Path, metrics: ServingMetrics) -> None:
        slow = SlowStore(tmp_path)
        recorder = Recorder(slow, metrics, flush_rows=1)
        recorder.start()
        recorder.record(recorded())
        assert slow.writing.wait(5)
        for _ in range(100):
            recorder.record(recorded())
        slow.go_on.set()
        recorder.stop()
        assert len(rows_of(slow)) == 101
