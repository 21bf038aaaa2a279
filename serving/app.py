"""The data plane put together. `serving.main` runs it alone; `api.embedded` mounts it under `/serve` and `/v2`."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.object_store.protocol import ObjectStore
from serving.answering import Answering
from serving.engine import Engine
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.router import Router
from serving.table import RouteTable
from serving.trials import Trials


class ServingApp:
    """`/serve/...` and `/v2/...` as an ASGI application. Whoever mounts it keeps it `running`."""

    def __init__(
        self, table: RouteTable, engine: Engine, recorder: Recorder, metrics: ServingMetrics, *, max_body_bytes: int
    ) -> None:
        self.table = table
        self.engine = engine
        self.recorder = recorder
        self.metrics = metrics
        self._router = Router(table, Answering(recorder), metrics, max_body_bytes=max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._router(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})


def create_app(
    table: RouteTable, engine: Engine, recorder: Recorder, metrics: ServingMetrics, *, max_body_bytes: int = 10 * 2**20
) -> ServingApp:
    """The application on its parts; nothing runs before `running`."""
    return ServingApp(table, engine, recorder, metrics, max_body_bytes=max_body_bytes)


def build_serving(
    store: ObjectStore,
    cache: Path,
    *,
    registry: CollectorRegistry | None = None,
    max_body_bytes: int = 10 * 2**20,
    poll_seconds: float = 0.2,
    flush_seconds: float = 1.0,
    heartbeat_seconds: float = 1.0,
) -> ServingApp:
    """The application that serves from a model store, with packages kept in the folder `cache`."""
    metrics = ServingMetrics(registry or CollectorRegistry())
    engine = Engine(PackageCache(store, cache))
    recorder = Recorder(store, metrics, flush_seconds=flush_seconds)
    table = RouteTable(
        store,
        engine,
        metrics,
        Trials(store, recorder),
        poll_seconds=poll_seconds,
        heartbeat_seconds=heartbeat_seconds,
    )
    return create_app(table, engine, recorder, metrics, max_body_bytes=max_body_bytes)


@asynccontextmanager
async def running(app: ServingApp) -> AsyncIterator[None]:
    """Follows the store while inside; on the way out writes the last predictions and lets go of the models."""
    app.recorder.start()
    try:
        await asyncio.to_thread(app.table.start)
        yield
    finally:
        await asyncio.to_thread(app.table.stop)
        await asyncio.to_thread(app.engine.close)
        await asyncio.to_thread(app.recorder.stop)


def standalone(app: ServingApp) -> ASGIApp:
    """The same as a process of its own, with probes and `/metrics`."""

    async def live(_: Request) -> Response:
        return Response(status_code=200)

    async def ready(_: Request) -> Response:
        return Response(status_code=200 if app.table.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(app.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(app):
            # What is loaded now stays: the collector need not look through it again and again (a third of the time
            # of a small request, else).
            gc.collect()
            gc.freeze()
            yield

    probes = {"/livez": live, "/readyz": ready, "/metrics": metrics}
    beside = Starlette(routes=[Route(path, endpoint) for path, endpoint in probes.items()], lifespan=lifespan)

    async def process(scope: Scope, receive: Receive, send: Send) -> None:
        # Predictions pass by Starlette's routing and middleware.
        if scope["type"] == "lifespan" or scope["path"] in probes:
            await beside(scope, receive, send)
        else:
            await app(scope, receive, send)

    return process
