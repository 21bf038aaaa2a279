"""Predictions per second through `/serve`, against a bare ASGI + ONNX Runtime floor and `mlflow models serve`.

The model is the gradient boosting of `examples/income`: numbers and strings in, labels and probabilities out. One
worker each, our endpoint private and recording. Load comes from `wrk`; ours and the floor run side by side and take
turns, so that what else the machine does meets both. `python -m bench.predict` prints the rows.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import orjson
import yaml

from adapters.model_files import save_python_model
from adapters.object_store.local import LocalStore
from bench.table import BenchRow
from domain.deployments.specs import AccessEntry, Routes, ServingAccess, Target
from domain.training.specs import TrainSpec
from ml.frames import read, rows_as_json
from ml.packaging import package, package_digest
from ml.trainers.train import TrainedModel, train

SECONDS = 2
TURNS = 3
CONNECTIONS = (1, 16, 64)
TOKEN = "bench"  # noqa: S105 - of a server that lives as long as this run
ROOT = Path(__file__).parent.parent
INCOME = ROOT / "examples" / "income"

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Load:
    """What `wrk` saw: answers per second, and the 99th percentile in milliseconds."""

    per_second: float
    p99_ms: float


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    @property
    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def run() -> list[BenchRow]:
    """Rows of the table; empty with a word about it where `wrk` is missing."""
    if shutil.which("wrk") is None:
        print("bench.predict: wrk is not installed, nothing measured", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        home = Path(folder)
        trained = train_income()
        digest = publish(trained, home)
        rows = test_rows(trained)
        with serving(home) as ours, floor(home / "models" / "packages" / digest) as bare:
            loads = {name: _in_turns(ours, bare, body, connections) for name, body, connections in _cases(rows)}
            memory = BenchRow(
                "predict, resident after all that", ours.resident_mb, bare.resident_mb, "MB",
                ours.resident_mb / bare.resident_mb, "bare ASGI + ONNX Runtime",
            )  # fmt: skip
        table = [_row(name, *pair, "bare ASGI + ONNX Runtime") for name, pair in loads.items()]
        with mlflow(trained, home) as peer:
            body = orjson.dumps({"dataframe_records": rows[:1]})
            for connections in CONNECTIONS:
                load = wrk(f"{peer.url}/invocations", body, connections)
                table.append(_row(_single(connections), loads[_single(connections)][0], load, "mlflow models serve"))
    return [*table, memory]


def train_income() -> TrainedModel:
    request = yaml.safe_load((INCOME / "train.yaml").read_text())
    frame = read(INCOME / "adult.csv", "csv")
    return train(frame, TrainSpec.model_validate(request), lambda step, metrics: None, lambda fraction, message: None)


def test_rows(trained: TrainedModel) -> Rows:
    """A thousand frozen rows, with the columns that the model takes."""
    return rows_as_json(trained.part("test").select([column.name for column in trained.signature.inputs]).head(1000))


def publish(trained: TrainedModel, home: Path) -> str:
    """The package as ONNX, in a model store."""
    packed = package(trained, home / "package", run_id="bench", save_python=save_python_model)
    assert packed.flavor == "onnx", packed.reason
    digest = package_digest(packed)
    route_to(home / "package", digest, home)
    return digest


def route_to(folder: Path, digest: str, home: Path) -> None:
    """Moves a package into the model store, with routes to it and a token, as the control plane leaves them."""
    store = LocalStore(home / "models")
    (home / "models" / "packages").mkdir()
    folder.rename(home / "models" / "packages" / digest)
    targets = [Target(version=1, package=digest, role="live")]
    routes = Routes(endpoint="income", revision=1, model="income", targets=targets)
    store.put("routes/income.json", routes.model_dump_json().encode())
    entry = AccessEntry(token_sha256=sha256(TOKEN.encode()).hexdigest(), name="bench")
    store.put("access/tokens.json", ServingAccess(revision=1, tokens=[entry]).model_dump_json().encode())


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    env = {
        "MILLRACE_HOME": str(home),
        "MILLRACE_MODEL_STORE_URL": str(home / "models"),
        "MILLRACE_LOG_LEVEL": "WARNING",
    }
    with started(_uvicorn("serving.main:build"), env, "/v2/health/ready") as (url, pid):
        yield Server(f"{url}/serve/income/predict", pid)


@contextmanager
def floor(folder: Path) -> Iterator[Server]:
    with started(_uvicorn("bench.floor:build"), {"BENCH_PACKAGE": str(folder)}, None) as (url, pid):
        yield Server(url, pid)


@contextmanager
def mlflow(trained: TrainedModel, home: Path) -> Iterator[Server]:
    save_python_model(trained, home / "mlflow")
    program = str(Path(sys.executable).with_name("mlflow"))
    argv = [program, "models", "serve", "-m", str(home / "mlflow"), "--env-manager", "local", "--port", "{port}"]
    with started(argv, {"MLFLOW_DISABLE_TELEMETRY": "true"}, "/ping") as (url, pid):
        yield Server(url, pid)


def wrk(url: str, body: bytes, connections: int) -> Load:
    """POSTs `body` for SECONDS after a short warm-up; any answer but 200 is an error."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        Path(folder, "body").write_bytes(body)
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = io.open("{folder}/body", "rb"):read("*a")\n'
            f'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["Authorization"] = "Bearer {TOKEN}"\n'
        )
        argv = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", str(script)]
        subprocess.run([*argv, "-d1s", url], check=True, capture_output=True)
        seen = subprocess.run([*argv, f"-d{SECONDS}s", url], check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in seen, seen
    rate = re.search(r"Requests/sec:\s+([\d.]+)", seen)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", seen)
    assert rate is not None, seen
    assert tail is not None, seen
    return Load(float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[tail[2]])


def _cases(rows: Rows) -> Iterator[tuple[str, bytes, int]]:
    for connections in CONNECTIONS:
        yield _single(connections), orjson.dumps({"instances": rows[:1]}), connections
    yield "1,000 rows, 1 connection", orjson.dumps({"instances": rows}), 1


def _single(connections: int) -> str:
    return f"1 row, {connections} connection{'s' if connections > 1 else ''}"


def _in_turns(ours: Server, bare: Server, body: bytes, connections: int) -> tuple[Load, Load]:
    """The turn with the middle ratio: rates of one turn are seen under the same conditions."""
    turns = [(wrk(ours.url, body, connections), wrk(bare.url, body, connections)) for _ in range(TURNS)]
    middle = median(one.per_second / other.per_second for one, other in turns)
    return next(turn for turn in turns if turn[0].per_second / turn[1].per_second == middle)


def _row(name: str, ours: Load, other: Load, peer: str) -> BenchRow:
    note = f"{peer}; p99 {ours.p99_ms:.1f} ms, its {other.p99_ms:.1f} ms"
    ratio = ours.per_second / other.per_second
    return BenchRow(f"predict, {name}", ours.per_second, other.per_second, "req/s", ratio, note)


def _uvicorn(factory: str) -> list[str]:
    options = ["--no-access-log", "--no-server-header", "--log-level", "warning", "--port", "{port}"]
    return [sys.executable, "-m", "uvicorn", "--factory", factory, *options]


@contextmanager
def started(argv: list[str], env: Mapping[str, str], ready: str | None) -> Iterator[tuple[str, int]]:
    """A server in a process group of its own, from its first answer until the group has ended: its URL and pid."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = os.pathsep.join(filter(None, [str(ROOT), str(Path(sys.executable).parent), os.environ.get("PATH")]))
    server = subprocess.Popen(
        [part.format(port=port) for part in argv],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, ready)
        yield url, server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:  # MLServer does not always end when it is told
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(20)


def _wait_for(url: str, ready: str | None) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if ready is None:
                with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 80)):
                    return
            elif httpx.get(url + ready).status_code == 200:
                return
        except (httpx.TransportError, OSError):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not get ready")
        time.sleep(0.1)


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:40} {row.ours:10.0f} {row.peer:10.0f} {row.unit:6} {row.ratio:6.2f}  {row.note}")
