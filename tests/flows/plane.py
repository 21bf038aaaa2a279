"""A real data plane over the model store of a runtime, asked over ASGI: how the flows predict."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import httpx
import numpy as np
import polars as pl
from httpx import ASGITransport, AsyncClient

from adapters.runtime import Runtime
from serving.app import build_serving, running, standalone
from serving.table import RouteTable
from tests.conftest import Drain
from tests.training_data import make_dataset
from workers.traffic import list_segments


class Plane:
    """One serving process."""

    def __init__(self, http: AsyncClient, table: RouteTable, runner: asyncio.Runner, runtime: Runtime) -> None:
        self._http = http
        self._table = table
        self._runner = runner
        self._runtime = runtime

    def predict(self, endpoint: str, rows: pl.DataFrame, *, refresh: bool = True) -> dict[str, Any]:
        """Ask by the routes as they are in the store now, or as the last look found them."""
        if refresh:
            self._table.refresh()
        answer = self._runner.run(self._http.post(f"/serve/{endpoint}/predict", json={"instances": rows.to_dicts()}))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def until_recorded(self, endpoint: str, prediction_id: str) -> None:
        """Waits until a segment of the endpoint holds this prediction."""
        self.until(
            lambda: any(
                segment.first_id <= prediction_id <= segment.last_id
                for segment in list_segments(self._runtime.models, endpoint)
            )
        )

    def until_counted(self) -> None:
        """Waits until serving has written what it has counted of a trial, as it does four times a second."""
        self._runner.run(asyncio.sleep(0.3))

    def until(self, holds: Callable[[], object], *, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "did not happen in time"
            self._runner.run(asyncio.sleep(0.02))


@contextmanager
def plane(runtime: Runtime) -> Iterator[Plane]:
    app = build_serving(
        runtime.models,
        runtime.settings.home / "cache",
        flush_seconds=0.05,
        poll_seconds=0.02,
        heartbeat_seconds=0.05,
    )
    token = (runtime.settings.home / "token").read_text()
    bearer = {"Authorization": f"Bearer {token}"}
    with asyncio.Runner() as runner:
        alive = running(app)
        runner.run(alive.__aenter__())
        try:
            http = AsyncClient(transport=ASGITransport(standalone(app)), base_url="http://serving", headers=bearer)
            yield Plane(http, app.table, runner, runtime)
        finally:
            runner.run(alive.__aexit__(None, None, None))


@contextmanager
def working(drain: Drain) -> Iterator[None]:
    """A worker beside the test, for requests that wait for their job."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            drain()

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
            worker.result()


def world(rows: int, *, seed: int, slope: float = 3.0, shift: float = 0.0) -> pl.DataFrame:
    """Rides by temperature and hour, with a little noise; the slope is what changes in the world."""
    draw = np.random.default_rng(seed)
    temp, hour = draw.normal(20 + shift, 5, rows), draw.integers(0, 24, rows)
    rides = slope * temp + 2.0 * hour + draw.normal(0, 1, rows)
    return pl.DataFrame({"temp": temp, "hour": hour, "rides": rides})


TRAIN: Final[dict[str, Any]] = {
    "dataset": "rides",
    "trainer": "linear",
    "task": "regression",
    "target": "rides",
    "features": ["temp", "hour"],
    "model": "rides",
}
GATES: Final[list[dict[str, Any]]] = [
    {"gate": "metric", "metric": "mae", "max": 20},
    {"gate": "champion", "metric": "mae", "on": "frozen"},
]


def set_out(client: httpx.Client, drain: Drain, *, train: dict[str, Any], approval: str = "automatic") -> None:
    """Data, a model with a policy and an endpoint for it, and a first version trained by `train`."""
    make_dataset(client, drain, "rides", world(400, seed=1))
    make_dataset(client, drain, "frozen", world(300, seed=2))
    model = {"name": "rides", "task": "regression", "target": "rides"}
    assert client.post("models", json=model).status_code == 201
    policy = {"gates": GATES, "approval": approval}
    assert client.put("models/rides/policy", json=policy).status_code == 200
    endpoint = {"model": "rides", "settings": {"extra_columns": "record"}}
    assert client.put("endpoints/rides", json=endpoint).status_code == 201
    assert client.post("experiments", json={"name": "study"}).status_code == 201
    train_version(client, drain, **train)


def train_version(client: httpx.Client, drain: Drain, **changes: Any) -> None:
    answer = client.post("experiments/study/runs", json=TRAIN | changes)
    assert answer.status_code == 202, answer.text
    drain()


def promote(client: httpx.Client, drain: Drain, number: int, *, model: str = "rides") -> dict[str, Any]:
    """Ask, do all work that follows, and give the promotion."""
    answer = client.post(f"models/{model}/versions/{number}/promotions")
    assert answer.status_code == 202, answer.text
    drain()
    found: dict[str, Any] = client.get(answer.json()["subject"]).json()
    return found
