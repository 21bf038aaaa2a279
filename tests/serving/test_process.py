"""Serving as its own process, with a model store and nothing else: switches under load, is killed, starts again."""

import asyncio
import json
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
from tests.serving.test_traffic import reports_of

pytestmark = pytest.mark.slow

Start = Callable[..., AbstractContextManager[tuple[httpx.Client, "subprocess.Popen[bytes]"]]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def start(store: LocalStore, tmp_path: Path) -> Start:
    @contextmanager
    def begin(workers: int = 1, drain_seconds: float = 0.0) -> Iterator[tuple[httpx.Client, "subprocess.Popen[bytes]"]]:
        port = free_port()
        with (
            (tmp_path / "serving.log").open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-m", "cli.main", "serve", "--port", str(port), "--workers", str(workers)],
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                    "MILLRACE_HOME": str(tmp_path / "home"),
                    "MILLRACE_MODEL_STORE_URL": str(tmp_path / "models"),
                    "MILLRACE_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
                    "MILLRACE_REDIS_URL": "redis://127.0.0.1:1/0",
                    "MILLRACE_SERVING_POLL_SECONDS": "0.02",
                    "MILLRACE_SERVING_DRAIN_SECONDS": str(drain_seconds),
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
    assert sum(target.answered for report in reports_of(store) for target in report.targets) == 20


@pytest.mark.parametrize("workers", [1, 2])
def test_leaves_under_load_without_losing_a_request(store: LocalStore, bikes: str, start: Start, workers: int) -> None:
    """Clients that follow `/readyz`, as a load balancer does; one whose body is half sent when the end is announced."""
    ids: list[str] = []
    failed: list[str] = []

    async def load(url: str, ready: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=url, headers=BEARER, timeout=20) as client:
            while ready.is_set():
                try:
                    response = await client.post("/serve/bikes/predict", json={"instances": [ROW]})
                except httpx.TransportError as error:
                    failed.append(repr(error))
                else:
                    (ids if response.status_code == 200 else failed).extend(response.json().get("ids", [response.text]))

    async def go(url: str, process: "subprocess.Popen[bytes]") -> None:
        ready = asyncio.Event()
        ready.set()
        async with httpx.AsyncClient(base_url=url) as probe:
            clients = [asyncio.create_task(load(url, ready)) for _ in range(8)]
            body = json.dumps({"instances": [ROW]}).encode()
            half, writer = await asyncio.open_connection("127.0.0.1", probe.base_url.port)
            head = f"POST /serve/bikes/predict HTTP/1.1\r\nHost: here\r\nAuthorization: {BEARER['Authorization']}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:9])
            await asyncio.sleep(0.3)
            process.terminate()
            while (await probe.get("/readyz")).status_code == 200:  # noqa: ASYNC110 - as a balancer does
                await asyncio.sleep(0.02)
            writer.write(body[9:])
            await asyncio.sleep(0.1)  # what a balancer still sends before it takes the process out
            ready.clear()
            answer = await half.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            assert b"connection: close" in answer
            ids.extend(json.loads(await half.read())["ids"])
            writer.close()
            await asyncio.gather(*clients)

    with start(workers, 1.5) as (client, process):
        asyncio.run(go(str(client.base_url), process))
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert failed == []
    assert len(ids) > 10
    assert sorted(row["id"] for row in rows_of(store)) == sorted(ids)
    assert list(store.list("instances/")) == []


def test_several_processes_share_a_port_and_answer_for_each_other(store: LocalStore, bikes: str, start: Start) -> None:
    with start(workers=2) as (client, _):
        eventually(lambda: len(list(store.list("instances/"))) == 2)
        for _ in range(20):
            with httpx.Client(base_url=client.base_url, headers=BEARER) as fresh:
                assert predict(fresh).status_code == 200

        def counted() -> list[float]:
            lines = client.get("/metrics").text.splitlines()
            return [float(one.split()[-1]) for one in lines if one.startswith("millrace_predictions_total{")]

        eventually(lambda: len(counted()) == 2 and sum(counted()) == 20)


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
