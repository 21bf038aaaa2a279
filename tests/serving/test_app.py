"""The data plane as a part of another application, and what it says when something unforeseen happens."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Mount

from adapters.object_store.local import LocalStore
from domain.registry.specs import Package
from ml.encoding import Extra
from ml.models import Predictions
from serving.app import ServingApp, create_app, running
from serving.engine import Engine, Loaded
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.table import RouteTable
from serving.trials import Trials
from tests.serving.plants import BEARER, ROW


class BrokenModel:
    """A model that fails in a way nobody thought of."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.signature = package.signature

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        raise RuntimeError(f"the secret is 42, and {extra} {len(instances)}")


class BrokenEngine(Engine):
    def load(self, digest: str) -> Loaded:
        good = super().load(digest)
        return Loaded(digest, BrokenModel(good.model.package), quick=True, threads=ThreadPoolExecutor(1))


def ask(app: ServingApp, transport: ASGITransport, *paths: str) -> list[Response]:
    async def go() -> list[Response]:
        async with running(app), AsyncClient(transport=transport, base_url="http://serving") as client:
            return [await client.post(path, json={"instances": [ROW]}, headers=BEARER) for path in paths]

    return asyncio.run(go())


@pytest.mark.parametrize("root", ["", "/behind/a/proxy"])
def test_answers_where_it_is_mounted(app: ServingApp, bikes: str, root: str) -> None:
    mounted = Starlette(routes=[Mount("/serve", app), Mount("/v2", app)])
    paths = (f"{root}/serve/bikes/predict", f"{root}/v2/models/bikes/infer")
    plain, v2 = ask(app, ASGITransport(mounted, root_path=root), *paths)
    assert plain.status_code == 200, plain.text
    assert (v2.status_code, "`inputs`" in v2.text) == (422, True)


def test_the_unforeseen_is_logged_and_told_to_nobody(
    store: LocalStore, bikes: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = ServingMetrics(CollectorRegistry())
    engine = BrokenEngine(PackageCache(store, tmp_path / "cache"))
    recorder = Recorder(store, metrics)
    app = create_app(RouteTable(store, engine, metrics, Trials(store, recorder)), engine, recorder, metrics)
    paths = ("/serve/bikes/predict", "/serve/bikes/invocations")
    with caplog.at_level(logging.ERROR):
        plain, mlflow = ask(app, ASGITransport(app), *paths)
    assert (plain.status_code, plain.json()["code"]) == (500, "unexpected")
    assert (mlflow.status_code, mlflow.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in plain.text + mlflow.text
    assert "the secret is 42" in caplog.text
