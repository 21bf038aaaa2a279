"""The API with serving beside it and the dashboard at `/`, for `millrace up`. The one door that holds serving."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from gc import freeze

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.runtime import open_runtime
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from api.dashboard import mount_dashboard
from api.main import create_app
from serving.app import ServingApp, build_serving, running
from serving.draining import draining_first
from serving.main import limits_of, process_limits_of

_PREDICTIONS = ("/serve/", "/v2/")


def build() -> ASGIApp:
    """`uvicorn --factory api.embedded:build`. Predictions go straight to serving, past the API's middleware."""
    settings = Settings()
    set_up_logging(settings)
    runtime = open_runtime(settings)
    app = create_app(runtime)
    serving = build_serving(
        runtime.models,
        settings.home / "scratch" / "serving",
        limits=limits_of(settings),
        poll_seconds=settings.serving_poll_seconds,
        flush_seconds=settings.serving_flush_seconds,
        python=process_limits_of(settings),
    )
    app.state.metrics.append(serving.metrics.registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(serving):
            freeze()  # as in `api.main`
            with draining_first(serving.drain, seconds=serving.limits.drain_seconds):
                yield
        await app.state.mlflow.aclose()
        runtime.close()

    app.router.lifespan_context = lifespan
    mount_dashboard(app, settings.dashboard_dir)
    return side_by_side(app, serving)


def side_by_side(app: ASGIApp, serving: ServingApp) -> ASGIApp:
    """Both at one address. Not ready while serving lets its last requests end."""

    async def process(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/readyz" and serving.table.draining:
            await Response(status_code=503)(scope, receive, send)
            return
        beside = scope["type"] == "http" and scope["path"].startswith(_PREDICTIONS)
        await (serving if beside else app)(scope, receive, send)

    return process
