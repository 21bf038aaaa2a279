"""Predictions per second through `/serve`, against a bare ASGI + ONNX Runtime floor and `mlflow models serve`.

One worker each, the same gradient boosting model, one after the other on one machine; load comes from `wrk`.
`python -m bench.predict` prints the table; `bench.table` calls `run`.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import orjson
import polars as pl

from adapters.model_files import save_python_model
from adapters.object_store.local import LocalStore
from bench.table import BenchRow
from domain.deployments.specs import EndpointSettings, Routes, Target
from domain.training.specs import TrainSpec
from ml.models import ONNX_FILE
from ml.packaging import package, package_digest
from ml.trainers.train import TrainedModel, train

SECONDS = 3
CONNECTIONS = (1, 16, 64)
FEATURES = [f"f{number:02}" for number in range(12)]
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Load:
    """What `wrk` saw: answers per second, and the 99th percentile in milliseconds."""

    per_second: float
    p99_ms: float


def run() -> list[BenchRow]:
    """Rows of the table; empty with a word about it where `wrk` is missing."""
    if shutil.which("wrk") is None:
        print("bench.predict: wrk is not installed, nothing measured", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        home = Path(folder)
        trained = _train()
        digest = _publish(trained, home)
        serving = _measure_serving(home)
        floor = _measure_floor(home / "models" / "packages" / digest / ONNX_FILE)
        peer = _measure_mlflow(trained, home)
    note = f"p99 {{:.1f}} ms; {SECONDS} s each"
    rows = []
    for name, ours in serving.items():
        rows.append(_row(f"predict, {name}, vs bare ASGI + ONNX Runtime", ours, floor[name], note))
        if name in peer:
            rows.append(_row(f"predict, {name}, vs mlflow models serve", ours, peer[name], note))
    return rows


def _row(name: str, ours: Load, other: Load, note: str) -> BenchRow:
    return BenchRow(
        name, ours.per_second, other.per_second, "req/s", ours.per_second / other.per_second, note.format(ours.p99_ms)
    )


def _train() -> TrainedModel:
    source = np.random.default_rng(0)
    table = source.normal(size=(4000, len(FEATURES)))
    frame = pl.DataFrame(table, schema=FEATURES).with_columns(
        pl.Series("y", table @ np.arange(len(FEATURES)) + table[:, 0] ** 2)
    )
    spec = TrainSpec(
        dataset="bench",
        trainer="gradient_boosting",
        task="regression",
        target="y",
        params={"n_estimators": 100, "max_depth": 4},
    )
    return train(frame, spec, lambda step, metrics: None, lambda fraction, message: None)


def _publish(trained: TrainedModel, home: Path) -> str:
    """The package in a model store with routes to it, as the control plane leaves them."""
    store = LocalStore(home / "models")
    packed = package(trained, home / "package", run_id="bench", save_python=save_python_model)
    assert packed.flavor == "onnx", packed.reason
    digest = package_digest(packed)
    (home / "models" / "packages").mkdir()
    (home / "package").rename(home / "models" / "packages" / digest)
    routes = Routes(
        endpoint="x",
        revision=1,
        model="bench",
        targets=[Target(version=1, package=digest, role="live")],
        settings=EndpointSettings(visibility="public", requests_per_second=1_000_000),
    )
    store.put("routes/x.json", routes.model_dump_json().encode())
    return digest


def _called(connections: int) -> str:
    return f"1 row, {connections} connection{'s' if connections > 1 else ''}"


def _rows(count: int) -> list[dict[str, float]]:
    values = np.random.default_rng(1).normal(size=(count, len(FEATURES))).round(4).tolist()
    return [dict(zip(FEATURES, row, strict=True)) for row in values]


def _measure_serving(home: Path) -> dict[str, Load]:
    env = {
        "MILLRACE_HOME": str(home),
        "MILLRACE_MODEL_STORE_URL": str(home / "models"),
        "MILLRACE_LOG_LEVEL": "WARNING",
    }
    with _server(_uvicorn("serving.main:build"), env, "/v2/health/ready") as url:
        return _measure(f"{url}/serve/x/predict")


def _measure_floor(model: Path) -> dict[str, Load]:
    with _server(
        _uvicorn("bench.floor:build"), {"BENCH_MODEL": str(model), "BENCH_COLUMNS": ",".join(FEATURES)}, None
    ) as url:
        return _measure(url)


def _measure(url: str) -> dict[str, Load]:
    one = orjson.dumps({"instances": _rows(1)})
    loads = {_called(connections): _wrk(url, one, connections) for connections in CONNECTIONS}
    return {**loads, "1,000 rows, 1 connection": _wrk(url, orjson.dumps({"instances": _rows(1000)}), 1)}


def _measure_mlflow(trained: TrainedModel, home: Path) -> dict[str, Load]:
    save_python_model(trained, home / "mlflow")
    argv = [
        str(Path(sys.executable).with_name("mlflow")),
        "models",
        "serve",
        "-m",
        str(home / "mlflow"),
        "--env-manager",
        "local",
        "--port",
        "{port}",
    ]
    rows = _rows(1)
    body = orjson.dumps({"dataframe_split": {"columns": FEATURES, "data": [list(rows[0].values())]}})
    with _server(argv, {"MLFLOW_DISABLE_TELEMETRY": "true"}, "/ping") as url:
        return {_called(connections): _wrk(f"{url}/invocations", body, connections) for connections in CONNECTIONS}


def _uvicorn(factory: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        factory,
        "--no-access-log",
        "--log-level",
        "warning",
        "--port",
        "{port}",
    ]


@contextmanager
def _server(argv: list[str], env: Mapping[str, str], ready: str | None) -> Iterator[str]:
    """A server in a process group of its own, from its first answer until the group has ended."""
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
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
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


def _wrk(url: str, body: bytes, connections: int) -> Load:
    """POSTs `body` for SECONDS after a short warm-up; any answer but 200 is an error."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        Path(folder, "body").write_bytes(body)
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = io.open("{folder}/body", "rb"):read("*a")\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
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


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:55} {row.ours:10.0f} {row.peer:10.0f} {row.unit:6} {row.ratio:6.2f}  {row.note}")
