"""The data plane put together. `serving.main` runs it alone; `api.embedded` mounts it under `/serve` and `/v2`."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.object_store.protocol import ObjectStore
from serving.access import Access
from serving.answering import Answering
from serving.draining import draining_first
from serving.engine import Engine
from serving.limits import Limits
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.rates import Rates
from serving.recorder import Recorder
from serving.requests import Bodies
from serving.router import Router
from serving.scrape import Scrape
from serving.supervisor import ProcessLimits
from serving.table import RouteTable
from serving.traffic import TrafficReports
from serving.trials import Trials


class ServingApp:
    """`/serve/...` and `/v2/...` as an ASGI application. Whoever mounts it keeps it `running`."""

    def __init__(
        self,
        table: RouteTable,
        engine: Engine,
        recorder: Recorder,
        metrics: ServingMetrics,
        *,
        limits: Limits,
        traffic: TrafficReports | None,
    ) -> None:
        self.table = table
        self.engine = engine
        self.recorder = recorder
        self.metrics = metrics
        self.limits = limits
        self.traffic = traffic
        bodies = Bodies(limit=limits.max_body_bytes, seconds=limits.body_seconds)
        access = Access(table, limits.internal_networks, Rates())
        self.router = Router(table, access, Answering(recorder), metrics, bodies)

    def drain(self) -> None:
        """From now on it is not ready, and tells clients to open their next connection elsewhere. It answers on."""
        self.table.draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.router(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})


def create_app(
    table: RouteTable,
    engine: Engine,
    recorder: Recorder,
    metrics: ServingMetrics,
    limits: Limits | None = None,
    *,
    traffic: TrafficReports | None = None,
) -> ServingApp:
    """The application on its parts; nothing runs before `running`. Without `traffic` nobody is told of it."""
    return ServingApp(table, engine, recorder, metrics, limits=limits or Limits(), traffic=traffic)


def build_serving(
    store: ObjectStore,
    cache: Path,
    *,
    registry: CollectorRegistry | None = None,
    limits: Limits | None = None,
    poll_seconds: float = 0.2,
    flush_seconds: float = 1.0,
    heartbeat_seconds: float = 1.0,
    report_seconds: float = 10.0,
    python: ProcessLimits | None = None,
) -> ServingApp:
    """The application that serves from a model store, with packages kept in the folder `cache`."""
    metrics = ServingMetrics(registry or CollectorRegistry())
    limits = limits or Limits()
    packages = PackageCache(store, cache, keep=2 * limits.max_loaded, max_bytes=limits.max_model_bytes)
    engine = Engine(packages, python=python, trusted=limits.trusted_packages)
    recorder = Recorder(store, metrics, flush_seconds=flush_seconds)
    table = RouteTable(
        store,
        engine,
        metrics,
        Trials(store, recorder),
        poll_seconds=poll_seconds,
        heartbeat_seconds=heartbeat_seconds,
        max_loaded=limits.max_loaded,
        load_seconds=limits.load_seconds,
    )
    traffic = TrafficReports(store, metrics, seconds=report_seconds)
    return create_app(table, engine, recorder, metrics, limits, traffic=traffic)


@asynccontextmanager
async def running(app: ServingApp) -> AsyncIterator[None]:
    """Follows the store while inside; on the way out writes the last predictions and lets go of the models."""
    app.recorder.start()
    if app.traffic is not None:
        app.traffic.start()
    try:
        await asyncio.to_thread(app.table.start)
        yield
    finally:
        await asyncio.to_thread(app.table.stop)
        await asyncio.to_thread(app.engine.close)
        await asyncio.to_thread(app.recorder.stop)
        if app.traffic is not None:
            await asyncio.to_thread(app.traffic.stop)


def standalone(
    app: ServingApp, *, beside: Path | None = None, also: AbstractAsyncContextManager[object] | None = None
) -> ASGIApp:
    """The same as a process of its own, with probes and `/metrics`; `also` is entered while it runs.

    Processes that share a port, and answer for each other's metrics, do so by the folder `beside`.
    """
    scrape = Scrape(app.metrics.registry, beside)

    async def live(_: Request) -> Response:
        return Response(status_code=200)

    async def ready(_: Request) -> Response:
        return Response(status_code=200 if app.table.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(await asyncio.to_thread(scrape.text), media_type=CONTENT_TYPE_LATEST)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(app):
            # What is loaded now stays: the collector need not look through it again and again (a third of the time
            # of a small request, else).
            gc.collect()
            gc.freeze()
            async with scrape.shared(), also or nullcontext():
                with draining_first(app.drain, seconds=app.limits.drain_seconds):
                    yield

    probes = {"/livez": live, "/readyz": ready, "/metrics": metrics}
    aside = Starlette(routes=[Route(path, endpoint) for path, endpoint in probes.items()], lifespan=lifespan)

    async def process(scope: Scope, receive: Receive, send: Send) -> None:
        # Predictions pass by Starlette's routing and middleware.
        if scope["type"] == "lifespan" or scope["path"] in probes:
            await aside(scope, receive, send)
        else:
            await app(scope, receive, send)

    return process
