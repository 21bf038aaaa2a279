"""A model store in a folder, and the data plane on it, asked over ASGI."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from adapters.object_store.local import LocalStore
from serving.app import ServingApp, build_serving, running, standalone
from serving.limits import Limits
from tests.serving.plants import BEARER, TOKEN, MovableStore, admit, regression_package, route


class Client:
    """Asks the application one thing after the other, on an event loop of its own."""

    def __init__(self, app: ServingApp, runner: asyncio.Runner) -> None:
        self._http = AsyncClient(transport=ASGITransport(standalone(app)), base_url="http://serving", headers=BEARER)
        self._runner = runner

    def get(self, path: str, **options: Any) -> Response:
        return self._runner.run(self._http.get(path, **options))

    def post(self, path: str, **options: Any) -> Response:
        return self._runner.run(self._http.post(path, **options))


Serve = Callable[[], AbstractContextManager[Client]]


@pytest.fixture
def store(tmp_path: Path) -> MovableStore:
    return MovableStore(tmp_path / "models")


@pytest.fixture
def bikes(store: LocalStore) -> str:
    """The package of version 1, live and private at endpoint `bikes`, for holders of TOKEN."""
    admit(store, TOKEN)
    digest = regression_package(store, 1)
    route(store, "bikes", 1, (1, digest))
    return digest


@pytest.fixture
def limits() -> Limits:
    return Limits(max_body_bytes=200_000, body_seconds=0.3)


@pytest.fixture
def app(store: LocalStore, tmp_path: Path, limits: Limits) -> ServingApp:
    return build_serving(
        store,
        tmp_path / "cache",
        flush_seconds=0.05,
        poll_seconds=0.02,
        heartbeat_seconds=0.05,
        limits=limits,
    )


@pytest.fixture
def serve(app: ServingApp) -> Serve:
    """Gives a context in which the data plane runs, and a client of it that carries TOKEN."""

    @contextmanager
    def start() -> Iterator[Client]:
        with asyncio.Runner() as runner:
            plane = running(app)
            runner.run(plane.__aenter__())
            try:
                yield Client(app, runner)
            finally:
                runner.run(plane.__aexit__(None, None, None))

    return start


@pytest.fixture
def client(bikes: str, serve: Serve) -> Iterator[Client]:
    with serve() as client:
        yield client
