"""Predictions per second of a model that stays in Python, against `mlflow models serve` and MLServer on the same model.

The gradient boosting of `examples/income` as a scikit-learn pipeline; one worker each; load comes from `wrk`. MLServer,
at its best setting that was found (batches of 64, 5 ms), is measured where `BENCH_MLSERVER` names the Python of an
environment that has `mlserver` and `mlserver-mlflow` in it. `python -m bench.python_models` prints the rows.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from adapters.model_files import save_python_model
from bench.predict import (
    CONNECTIONS,
    SECONDS,
    TURNS,
    Load,
    Rows,
    Server,
    mlflow,
    route_to,
    serving,
    started,
    test_rows,
    train_income,
    wrk,
)
from bench.table import BenchRow
from domain.registry.specs import Package, Signature
from ml.encoding import NUMBERS, STRINGS, Encoder
from ml.models import MODEL_FOLDER, PACKAGE_FILE
from ml.packaging import listing, package_bytes, package_digest
from ml.trainers.train import TrainedModel

Start = Callable[[], AbstractContextManager[Server]]


def run() -> list[BenchRow]:
    """Rows of the table; empty with a word about it where `wrk` is missing."""
    if shutil.which("wrk") is None:
        print("bench.python_models: wrk is not installed, nothing measured", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        home = Path(folder)
        trained = train_income()
        rows = test_rows(trained)
        one = orjson.dumps({"instances": rows[:1]})
        publish_python(trained, home)
        peers: dict[str, tuple[Start, bytes]] = {
            "mlflow models serve": (lambda: invocations(trained, home), orjson.dumps({"dataframe_records": rows[:1]}))
        }
        python = os.environ.get("BENCH_MLSERVER")
        if python:
            body = orjson.dumps(as_tensors(rows[:1], trained.signature))
            peers["MLServer"] = (lambda: mlserver(python, home, body), body)
        else:
            print("bench.python_models: BENCH_MLSERVER is not set, MLServer is not measured", file=sys.stderr)
        table = []
        with serving(home) as ours:
            for name, (start, body) in peers.items():
                with start() as peer:
                    table += [_row(name, many, *_in_turns(ours, peer, (one, body), many)) for many in CONNECTIONS]
            whole = wrk(ours.url, orjson.dumps({"instances": rows}), 1)
        print(f"1,000 rows in one request: {whole.per_second * 1000:,.0f} rows/s, p99 {whole.p99_ms:.1f} ms")
    return table


def publish_python(trained: TrainedModel, home: Path) -> None:
    """The package of the pipeline itself, though as ONNX it would agree, in a model store with routes to it."""
    folder = home / "package"
    folder.mkdir()
    save_python_model(trained, folder / MODEL_FOLDER)
    packed = Package(
        flavor="python", reason="it is what is measured", signature=trained.signature, agreement=None, run_id="bench",
        files=listing(folder),
    )  # fmt: skip
    (folder / PACKAGE_FILE).write_bytes(package_bytes(packed))
    route_to(folder, package_digest(packed), home)


def _in_turns(ours: Server, peer: Server, bodies: tuple[bytes, bytes], connections: int) -> tuple[Load, Load]:
    """The turn with the middle ratio, of several in which both have their go."""
    turns = [(wrk(ours.url, bodies[0], connections), wrk(peer.url, bodies[1], connections)) for _ in range(TURNS)]
    return sorted(turns, key=lambda turn: _ratio(*turn))[TURNS // 2]


def _ratio(mine: Load, other: Load) -> float:
    """On a busy machine a peer may answer nobody in time: it counts as one answer then."""
    return mine.per_second / max(other.per_second, 1 / SECONDS)


def _row(name: str, connections: int, mine: Load, other: Load) -> BenchRow:
    note = f"{name}; p99 {mine.p99_ms:.1f} ms, its {other.p99_ms:.1f} ms"
    what = f"predict in Python, 1 row, {connections} connection{'s' if connections > 1 else ''}"
    return BenchRow(what, mine.per_second, other.per_second, "req/s", _ratio(mine, other), note)


@contextmanager
def invocations(trained: TrainedModel, home: Path) -> Iterator[Server]:
    with mlflow(trained, home) as peer:
        yield Server(f"{peer.url}/invocations", peer.pid)


@contextmanager
def mlserver(python: str, home: Path, body: bytes) -> Iterator[Server]:
    """MLServer in its own environment, on the folder that `mlflow models serve` has been given."""
    folder = home / "mlserver"
    folder.mkdir(exist_ok=True)
    model = {
        "name": "income", "implementation": "mlserver_mlflow.MLflowRuntime", "max_batch_size": 64,
        "max_batch_time": 0.005, "parameters": {"uri": str(home / "mlflow"), "version": "v1"},
    }  # fmt: skip
    (folder / "model-settings.json").write_bytes(orjson.dumps(model))
    program = ["env", "MLSERVER_HTTP_PORT={port}", str(Path(python).with_name("mlserver")), "start", str(folder)]
    settings = {
        "MLSERVER_METRICS_DIR": str(home / "metrics"),
        "MLSERVER_PARALLEL_WORKERS": "1", "MLSERVER_DEBUG": "false",
        "MLSERVER_GRPC_PORT": "0", "MLSERVER_METRICS_PORT": "0", "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    with started(program, settings, "/v2/models/income/ready") as (url, pid):
        peer = Server(f"{url}/v2/models/income/infer", pid)
        deadline = time.monotonic() + 60
        # It says that the model is ready before it is.
        while httpx.post(peer.url, content=body, timeout=30).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.5)
        yield peer


def as_tensors(rows: Rows, signature: Signature) -> dict[str, Any]:
    """A request of Open Inference v2 that MLServer reads as the table the pipeline was fitted on."""
    encoder = Encoder(signature)
    feeds = encoder.encode_rows(rows)
    inputs: list[dict[str, Any]] = []
    for name, column in zip(encoder.number_names, feeds[NUMBERS].T.tolist(), strict=True):
        inputs.append({"name": name, "datatype": "FP64", "shape": [len(column), 1], "data": column})
    for name, column in zip(encoder.string_names, feeds[STRINGS].T.tolist(), strict=True):
        parameters = {"content_type": "str"}
        inputs.append(
            {"name": name, "datatype": "BYTES", "shape": [len(column), 1], "data": column, "parameters": parameters}
        )
    return {"inputs": inputs, "parameters": {"content_type": "pd"}}


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:45} {row.ours:10.0f} {row.peer:10.0f} {row.unit:6} {row.ratio:6.2f}  {row.note}")
