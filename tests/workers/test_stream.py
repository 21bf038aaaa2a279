"""Rows from a real Redis Stream answered into another: each once, whatever dies between."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from adapters.object_store.local import LocalStore
from adapters.streams import Entry, NotAStream, RowStream, StreamsAway
from serving.engine import Engine
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.table import RouteTable
from serving.trials import Trials
from tests.servers import free_port, valkey
from tests.serving.plants import ROW, eventually, expected, regression_package, route
from tests.serving.test_recorder import rows_of
from workers.stream import Consumer, StreamOrder, prediction_id

pytestmark = pytest.mark.redis
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    client: Any = Redis.from_url(redis_url, decode_responses=True)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "models")
    route(store, "bikes", 1, (1, regression_package(store, 1)))
    return store


class Site:
    """The parts of a consumer process, in this one."""

    def __init__(self, store: LocalStore, folder: Path, redis_url: str) -> None:
        metrics = ServingMetrics(CollectorRegistry())
        self.engine = Engine(PackageCache(store, folder))
        self.recorder = Recorder(store, metrics)
        self.table = RouteTable(store, self.engine, metrics, Trials(store, self.recorder), poll_seconds=0.02)
        self.redis_url = redis_url

    def consumer(self, name: str = "a", **changes: Any) -> tuple[Consumer, RowStream]:
        order = StreamOrder(
            **{
                "endpoint": "bikes", "source": "in", "to": "out", "dead": "dead", "group": "g",
                "claim_after_seconds": 0.05, **changes,
            }
        )  # fmt: skip
        rows = RowStream(self.redis_url, source="in", group="g", name=name)
        rows.join()
        return Consumer(order, rows, self.table, self.recorder), rows

    def turn(self, consumer: Consumer) -> None:
        endpoint = self.table.endpoint("bikes")
        assert endpoint is not None
        consumer.turn(endpoint)


def turned(site: Site, consumer: Consumer) -> bool:
    site.turn(consumer)
    return True


def taken_from(dying: RowStream) -> bool:
    return bool(dying.read(1, block_ms=1) or dying.claim(1, idle_ms=1))


@pytest.fixture
def site(store: LocalStore, tmp_path: Path, redis_url: str) -> Iterator[Site]:
    made = Site(store, tmp_path / "cache", redis_url)
    made.table.refresh()
    yield made
    made.table.stop()
    made.engine.close()


def send(redis: Any, *rows: dict[str, Any]) -> list[str]:
    return [redis.xadd("in", {"row": json.dumps(row)}) for row in rows]


def out(redis: Any, key: str = "out") -> list[dict[str, str]]:
    return [fields for _, fields in redis.xrange(key)]


class TestConsumer:
    def test_answers_each_row_with_an_id_of_its_entry(self, redis: Any, site: Site, store: LocalStore) -> None:
        rows = [ROW | {"hour": hour} for hour in range(5)]
        entries = send(redis, *rows)
        consumer, stream = site.consumer()
        site.turn(consumer)
        answers = out(redis)
        assert [answer["entry"] for answer in answers] == entries
        assert [json.loads(answer["prediction"]) for answer in answers] == [expected(row, 1) for row in rows]
        claimable = stream.claim(10, idle_ms=0)
        assert (claimable, {answer["version"] for answer in answers}) == ([], {"1"})
        site.recorder.flush()
        recorded = rows_of(store)
        assert sorted(row["id"] for row in recorded) == sorted(answer["id"] for answer in answers)

    def test_a_bad_row_is_a_dead_letter_with_its_reason_and_the_others_are_answered(
        self, redis: Any, site: Site
    ) -> None:
        send(redis, ROW, ROW | {"hour": None}, ROW | {"extra": 1})
        redis.xadd("in", {"row": "{"})
        redis.xadd("in", {"row": "[]"})
        redis.xadd("in", {"other": "x"})
        send(redis, ROW)
        consumer, stream = site.consumer()
        site.turn(consumer)
        assert len(out(redis)) == 2
        letters = out(redis, "dead")
        assert sorted(letter["code"] for letter in letters) == [
            "bad_json", "bad_rows", "bad_rows", "extra_column", "null_value",
        ]  # fmt: skip
        null = next(letter for letter in letters if letter["code"] == "null_value")
        assert (null["deliveries"], json.loads(json.loads(null["fields"])["row"])["hour"]) == ("1", None)
        assert stream.claim(10, idle_ms=0) == []

    def test_what_a_dead_consumer_left_is_answered_by_another(self, redis: Any, site: Site) -> None:
        entries = send(redis, *[ROW] * 3)
        _, dead = site.consumer("dead-one")
        assert len(dead.read(10, block_ms=10)) == 3
        consumer, _ = site.consumer("heir")
        eventually(lambda: turned(site, consumer) and len(out(redis)) == 3)
        assert [answer["entry"] for answer in out(redis)] == entries

    def test_one_that_was_taken_for_dead_answers_nothing_twice(self, redis: Any, site: Site) -> None:
        send(redis, *[ROW] * 3)
        _, slow = site.consumer("slow")
        taken = slow.read(10, block_ms=10)
        consumer, _ = site.consumer("heir")
        eventually(lambda: turned(site, consumer) and len(out(redis)) == 3)
        assert slow.settle([(entry, {"id": "late"}) for entry in taken], to="out", max_length=100) == set()
        assert "late" not in [answer["id"] for answer in out(redis)]

    def test_a_row_that_ends_whoever_takes_it_is_given_up(self, redis: Any, site: Site) -> None:
        send(redis, ROW)
        for name in ("a", "b"):  # each takes it and dies
            _, dying = site.consumer(name)
            eventually(partial(taken_from, dying))
        consumer, _ = site.consumer("c", tries=2)
        eventually(lambda: turned(site, consumer) and out(redis, "dead"))
        (letter,) = out(redis, "dead")
        assert (letter["code"], letter["deliveries"], out(redis)) == ("never_answered", "3", [])

    def test_answers_are_kept_up_to_a_length(self, redis: Any, site: Site) -> None:
        send(redis, *[ROW] * 1_000)
        consumer, _ = site.consumer(batch=500, max_length=100)
        site.turn(consumer)
        site.turn(consumer)
        assert redis.xlen("out") < 500

    def test_rows_wait_for_a_live_version(self, redis: Any, site: Site) -> None:
        send(redis, ROW)
        consumer, _ = site.consumer(endpoint="nobody")
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        consumer.run(stop)
        assert (out(redis), out(redis, "dead"), redis.xinfo_groups("in")[0]["pending"]) == ([], [], 0)

    def test_a_stream_that_is_flushed_is_joined_again(self, redis: Any, site: Site) -> None:
        consumer, stream = site.consumer()
        redis.flushall()
        with pytest.raises(StreamsAway, match="NOGROUP"):
            stream.read(1, block_ms=1)
        stop = threading.Event()
        with running(consumer, stop):
            send(redis, ROW)
            eventually(lambda: len(out(redis)) == 1)


@contextmanager
def running(consumer: Consumer, stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_ids_are_the_same_again_and_tell_the_entrys_time() -> None:
    first = prediction_id("in", Entry("1764122400123-7", {}))
    assert first == prediction_id("in", Entry("1764122400123-7", {"row": "other"}))
    assert first != prediction_id("other", Entry("1764122400123-7", {}))
    assert (int(first.replace("-", "")[:12], 16), first[14]) == (1764122400123, "7")


def test_a_key_of_another_kind_is_refused(redis: Any, redis_url: str) -> None:
    redis.set("in", "text")
    with pytest.raises(NotAStream, match="holds no stream"):
        RowStream(redis_url, source="in", group="g", name="a").join()


def test_nobody_at_the_address_is_away() -> None:
    with pytest.raises(StreamsAway):
        RowStream(f"redis://127.0.0.1:{free_port()}/0", source="in", group="g", name="a").join()


@contextmanager
def process(redis_url: str, tmp_path: Path, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    argv = [sys.executable, "-m", "workers.stream", "bikes", "--from", "in", "--to", "out", "--dead", "dead"]
    argv += ["--group", "g", "--batch", "20", "--claim-after", "0.5"]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MILLRACE_HOME": str(tmp_path / "home"),
        "MILLRACE_MODEL_STORE_URL": str(tmp_path / "models"),
        "MILLRACE_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
        "MILLRACE_REDIS_URL": redis_url,
        "MILLRACE_SERVING_POLL_SECONDS": "0.05",
    }
    with (tmp_path / f"{name}.log").open("ab") as log, subprocess.Popen(argv, env=env, stdout=log, stderr=log) as one:
        try:
            yield one
        finally:
            one.kill()


@pytest.mark.slow
def test_no_row_is_lost_or_answered_twice_when_a_process_is_killed_and_redis_goes_away(
    store: LocalStore, tmp_path: Path
) -> None:
    port = free_port()
    with valkey(tmp_path / "redis", port=port) as url:
        client: Any = Redis.from_url(url, decode_responses=True)
        entries = send(client, *[ROW] * 2_000)
        with process(url, tmp_path, "first") as first:
            eventually(lambda: client.xlen("out") > 100, seconds=60)
            first.send_signal(signal.SIGKILL)
            first.wait()
        assert len(out(client)) < 2_000
        client.close()
        with process(url, tmp_path, "second") as second:
            eventually(lambda: Redis.from_url(url).xlen("out") > 300, seconds=60)
            Redis.from_url(url).shutdown()
            with valkey(tmp_path / "redis", port=port):
                client = Redis.from_url(url, decode_responses=True)
                entries += send(client, *[ROW] * 100)
                eventually(lambda: client.xlen("out") == 2_100, seconds=60)
                second.send_signal(signal.SIGTERM)
                assert second.wait(20) == 0
                assert sorted(answer["entry"] for answer in out(client)) == sorted(entries)
                assert client.xinfo_groups("in")[0]["pending"] == 0
                client.close()
    assert len({row["id"] for row in rows_of(store)}) > 1_000
