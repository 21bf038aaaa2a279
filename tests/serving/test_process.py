"""Serving as its own process, with a model store and nothing else: switches under load, is killed, starts again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from adapters.object_store.local import LocalStore
from tests.serving.plants import BEARER, ROW, eventually, expected, regression_package, route
from tests.serving.test_recorder import rows_of

pytestmark = pytest.mark.slow

Start = Callable[[], AbstractContextManager[tuple[httpx.Client, "subprocess.Popen[bytes]"]]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def start(store: LocalStore, tmp_path: Path) -> Start:
    @contextmanager
    def begin() -> Iterator[tuple[httpx.Client, "subprocess.Popen[bytes]"]]:
        port = free_port()
        with (
            (tmp_path / "serving.log").open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "--factory", "serving.main:build", "--port", str(port)],
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                    "MILLRACE_HOME": str(tmp_path / "home"),
                    "MILLRACE_MODEL_STORE_URL": str(tmp_path / "models"),
                    "MILLRACE_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
                    "MILLRACE_REDIS_URL": "redis://127.0.0.1:1/0",
                    "MILLRACE_SERVING_POLL_SECONDS": "0.02",
                },
                stderr=log,
                stdout=log,
            ) as process,
        ):
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=20) as client:
                    eventually(lambda: is_ready(client), seconds=60)
                    yield client, process
            finally:
                process.terminate()

    return begin


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/v2/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def predict(client: httpx.Client) -> httpx.Response:
    return client.post("/serve/bikes/predict", json={"instances": [ROW]})


def answers_by(client: httpx.Client, version: int) -> bool:
    return predict(client).headers["x-model-version"] == str(version)


def test_switches_under_load_without_a_failed_or_mixed_answer(store: LocalStore, bikes: str, start: Start) -> None:
    packages = {1: bikes, 2: regression_package(store, 2)}
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    done = threading.Event()

    def load(base_url: httpx.URL) -> None:
        with httpx.Client(base_url=base_url, headers=BEARER, timeout=20) as client:
            while not done.is_set():
                response = predict(client)
                version = int(response.headers.get("x-model-version", 0))
                if response.status_code != 200 or response.json()["predictions"] != [expected(ROW, version)]:
                    wrong.append(response.text)
                seen[version] += 1

    with start() as (client, _):
        threads = [threading.Thread(target=load, args=(client.base_url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for revision in range(2, 22):
            live = revision % 2 + 1
            route(store, "bikes", revision, (live, packages[live]), standby=[(3 - live, packages[3 - live])])
            eventually(partial(answers_by, client, live))
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert set(seen) == {1, 2}
    assert min(seen.values()) > 10


def test_is_killed_and_answers_again_from_the_store_alone(store: LocalStore, bikes: str, start: Start) -> None:
    route(store, "bikes", 7, (1, bikes))
    with start() as (client, process):
        assert predict(client).json()["predictions"] == [expected(ROW, 1)]
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with start() as (client, _):
        assert predict(client).json()["predictions"] == [expected(ROW, 1)]
        assert "millrace_predictions_total" in client.get("/metrics").text


def test_a_stopped_process_has_written_every_answer(store: LocalStore, bikes: str, start: Start) -> None:
    with start() as (client, process):
        ids = [predict(client).json()["ids"][0] for _ in range(20)]
        process.terminate()
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert sorted(row["id"] for row in rows_of(store)) == sorted(ids)
    assert list(store.list("instances/")) == []


def test_a_killed_process_loses_no_more_than_one_flush_interval(store: LocalStore, bikes: str, start: Start) -> None:
    interval, writing = 1.0, 1.0  # the default of the settings, and time enough to write on a busy machine
    answered: list[tuple[str, float]] = []
    with start() as (client, process):
        ends = time.monotonic() + 3
        while time.monotonic() < ends:
            answered.append((predict(client).json()["ids"][0], time.monotonic()))
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        process.wait(10)
    kept = {row["id"] for row in rows_of(store)}
    lost = [at for key, at in answered if key not in kept]
    assert kept
    assert all(killed - at < interval + writing for at in lost)
