"""A real server for the SDKs: the API and serving on one address, as `millrace up` has them, and a worker beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

import millrace
from adapters.runtime import Runtime
from api.bootstrap import bootstrap
from api.main import create_app
from serving.app import build_serving, running
from tests.conftest import Drain
from tests.flows.plane import working, world
from tests.servers import serving
from tests.training_data import as_csv


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, told nothing about any server."""
    monkeypatch.chdir(tmp_path)
    for name in ("MILLRACE_URL", "MILLRACE_TOKEN", "MILLRACE_HOME", "MILLRACE_SERVING_URL"):
        monkeypatch.delenv(name, raising=False)


def whole(runtime: Runtime) -> ASGIApp:
    """The API with serving beside it."""
    app = create_app(runtime)
    plane = build_serving(runtime.models, runtime.settings.home / "cache", flush_seconds=0.05, poll_seconds=0.02)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(plane):
            yield

    app.router.lifespan_context = lifespan

    async def process(scope: Scope, receive: Receive, send: Send) -> None:
        beside = scope["type"] == "http" and scope["path"].startswith("/serve/")
        await (plane if beside else app)(scope, receive, send)

    return process


@pytest.fixture
def token(runtime: Runtime) -> str:
    """The admin's."""
    made = bootstrap(runtime)
    assert made is not None
    return made


@pytest.fixture
def url(runtime: Runtime, token: str) -> Iterator[str]:
    """The server's address. Nobody works yet: see `worker`."""
    with serving(whole(runtime), lifespan="on") as address:
        yield address


@pytest.fixture
def worker(drain: Drain) -> Iterator[None]:
    with working(drain):
        yield


@pytest.fixture
def client(url: str, token: str) -> Iterator[millrace.Client]:
    with millrace.connect(url, token=token) as opened:
        yield opened


@pytest.fixture
def rides(tmp_path: Path) -> Path:
    """A folder with one table."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "rides.csv").write_bytes(as_csv(world(400, seed=1)))
    return folder
