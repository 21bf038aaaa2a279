"""Switches under load: routes that flip between two versions while both protocols ask, at a steady rate.

`python -m bench.flips` does 1,000 flips at 500 requests per second and prints what became of them; a flip counts
once the serving process reports it. The suite does the same with fewer, see `tests/serving/test_flips.py`.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectStore
from domain.deployments.specs import EndpointSettings, Routes, ServingInstance, Target, Trial
from tests.servers import free_port
from tests.serving.plants import COLUMNS, ROW, expected, regression_package

CONNECTIONS = 8
_V2_TYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "string": "BYTES"}


@dataclass
class Flipped:
    """What the requests of a run came to. `wrong` holds what should not have been: a few of them, and how many."""

    flips: int = 0
    requests: int = 0
    seconds: float = 0.0
    versions: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    latency: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        p50, p99 = np.quantile(self.latency, [0.5, 0.99]) * 1000
        grown = (self.memory[-1] - self.memory[len(self.memory) // 4]) / 2**20
        return (
            f"{self.flips:,} flips and {self.requests:,} requests in {self.seconds:.0f} s"
            f" ({self.requests / self.seconds:.0f}/s); {sum(self.wrong.values())} failed or mixed {dict(self.wrong)};"
            f" by version {dict(sorted(self.versions.items()))}; p50 {p50:.1f} ms, p99 {p99:.1f} ms;"
            f" {self.memory[-1] / 2**20:.0f} MB resident, {grown:+.1f} MB since a quarter of the run"
        )


async def flip(store: ObjectStore, packages: Sequence[str], *, port: int, pid: int, flips: int, rate: float) -> Flipped:
    """Flips the routes while both protocols ask; ends when the last flip is in force."""
    found, over = Flipped(), asyncio.Event()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(_ask(found, over, port, rate / CONNECTIONS, plain=number % 2 == 0))
        for revision in range(2, flips + 2):
            store.put("routes/bikes.json", routes(packages, revision).model_dump_json().encode())
            await _until(partial(in_force, store, revision))
            found.flips += 1
            found.memory.append(resident(pid))
        over.set()
    found.seconds = time.monotonic() - began
    return found


def routes(packages: Sequence[str], revision: int) -> Routes:
    """One version, then both on trial, then the other one, and back."""
    one, two = packages
    trial = None
    if revision % 2:
        trial = Trial(rollout_id=f"r{revision}", step=0, control=1, candidate=2, mirror=0.1)
        targets = [Target(version=1, package=one, role="live", share=0.5)]
        targets.append(Target(version=2, package=two, role="live", share=0.5))
    else:
        blue, green = ((1, one), (2, two)) if revision % 4 else ((2, two), (1, one))
        targets = [Target(version=blue[0], package=blue[1], role="live")]
        targets.append(Target(version=green[0], package=green[1], role="standby"))
    settings = EndpointSettings(visibility="public", requests_per_second=1_000_000)
    return Routes(endpoint="bikes", revision=revision, model="bikes", targets=targets, settings=settings, trial=trial)


def in_force(store: ObjectStore, revision: int) -> bool:
    """Whether a serving process reports these routes."""
    reports = [ServingInstance.model_validate_json(store.get(info.key)) for info in store.list("instances/")]
    return any(report.revisions.get("bikes") == revision for report in reports)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _ask(found: Flipped, over: asyncio.Event, port: int, rate: float, *, plain: bool) -> None:
    """One connection that is kept open and asks at its rate until all is over."""
    path = "/serve/bikes/predict" if plain else "/v2/models/bikes/infer"
    body = orjson.dumps({"instances": [ROW]} if plain else {"inputs": _tensors()})
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.monotonic()
    while not over.is_set():
        began = time.monotonic()
        writer.write(head.encode() + body)
        status, headers, answer = await _reply(reader)
        found.latency.append(time.monotonic() - began)
        found.requests += 1
        _check(found, status, headers, answer, plain=plain)
        due += 1 / rate
        await asyncio.sleep(max(due - time.monotonic(), 0))
    writer.close()
    await writer.wait_closed()


async def _reply(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def _check(found: Flipped, status: int, headers: dict[str, str], answer: bytes, *, plain: bool) -> None:
    """An answer is whole: what it says of its version, in the header and the body, is what that version predicts."""
    if status != 200:
        found.wrong[f"{status} {answer[:200].decode()}"] += 1
        return
    said = orjson.loads(answer)
    version = int(headers["x-model-version"])
    value = said["predictions"][0] if plain else said["outputs"][0]["data"][0]
    inside = int(said["model_version"])
    found.versions[version] += 1
    if inside != version or value != expected(ROW, version):
        found.wrong[f"version {version} in the header, {inside} in the body, {value} predicted"] += 1


def _tensors() -> list[dict[str, Any]]:
    return [
        {"name": column.name, "shape": [1, 1], "datatype": _V2_TYPES[column.type], "data": [ROW[column.name]]}
        for column in COLUMNS
    ]


@asynccontextmanager
async def serving(home: Path, store: LocalStore) -> AsyncIterator[tuple[int, int]]:
    """Port and process id of `millrace serve` on a store that has routes."""
    port = free_port()
    env = {
        **os.environ,
        "MILLRACE_HOME": str(home),
        "MILLRACE_MODEL_STORE_URL": str(home / "models"),
        "MILLRACE_SERVING_POLL_SECONDS": "0.02",
        "MILLRACE_LOG_LEVEL": "WARNING",
    }
    command = [
        "-m",
        "uvicorn",
        "--factory",
        "serving.main:build",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen([sys.executable, *command], env=env)  # noqa: ASYNC220 - nothing runs beside it yet
    try:
        await _until(partial(in_force, store, 1))
        await asyncio.sleep(1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what happens is an object in a store
            await asyncio.sleep(0.005)


async def run(flips: int, rate: float) -> Flipped:
    with tempfile.TemporaryDirectory(prefix="millrace-flips-") as folder:
        home = Path(folder)
        store = LocalStore(home / "models")
        packages = [regression_package(store, version) for version in (1, 2)]
        store.put("routes/bikes.json", routes(packages, 1).model_dump_json().encode())
        async with serving(home, store) as (port, pid):
            return await flip(store, packages, port=port, pid=pid, flips=flips, rate=rate)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    print(asyncio.run(run(*(given or (1000, 500)))))
