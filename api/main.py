"""`create_app(runtime)`: the control plane's HTTP application. `build` makes it from the settings, for uvicorn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from gc import freeze
from typing import Any

from anyio import Semaphore
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from adapters.mlflow_server import MlflowServer
from adapters.probes import Prober
from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from api import errors
from api.middleware import BodyLimit, Envelope, RequestMetrics
from api.routers import (
    about,
    access,
    batch_predictions,
    comparisons,
    data_checks,
    datasets,
    drift,
    dvc,
    dvc_folders,
    endpoints,
    events,
    experiments,
    explanations,
    eyeballs,
    gate_drills,
    gc,
    governor,
    health,
    images,
    jobs,
    lineage,
    mlflow,
    model_cards,
    model_checks,
    models,
    monitoring,
    overview,
    pins,
    pipelines,
    predictions,
    promotions,
    recent_predictions,
    recipes,
    repositories,
    reproductions,
    runs,
    search,
    storage,
    sweeps,
    traffic,
    verifications,
    webhooks,
)
from api.snapshot import DescribedApp

PREFIX = "/api/v1"
# Below the 40 threads of the pool and the 30 connections to Postgres, so that others are left for reads and answers.
WRITES_AT_ONCE = 16
ROUTERS: list[APIRouter] = [
    overview.router,
    datasets.router,
    recipes.router,
    gc.versions,
    gc.router,
    verifications.router,
    data_checks.router,
    data_checks.suites,
    experiments.router,
    runs.router,
    sweeps.router,
    reproductions.router,
    models.router,
    models.versions,
    model_cards.router,
    comparisons.router,
    images.router,
    gate_drills.router,
    model_checks.router,
    pins.router,
    eyeballs.router,
    promotions.router,
    endpoints.router,
    predictions.router,
    recent_predictions.router,
    lineage.router,
    explanations.router,
    batch_predictions.router,
    monitoring.router,
    drift.router,
    traffic.router,
    governor.router,
    pipelines.router,
    repositories.router,
    jobs.router,
    events.router,
    webhooks.router,
    search.router,
    storage.router,
    about.router,
    access.router,
]
PUBLIC: list[APIRouter] = [access.public]
DESCRIPTION = """Version data, train, check, promote, serve and watch models.

Writes that start work answer 202 with a job to follow. Errors are RFC 9457 problem+json with a stable `code`.
"""


def _operation_id(route: APIRoute) -> str:
    return route.name


def create_app(runtime: Runtime) -> FastAPI:
    """The application on an open runtime; whoever opened it closes it."""
    app = make_app()
    put_on(app, runtime)
    return app


def put_on(app: FastAPI, runtime: Runtime) -> None:
    """Have the application of `make_app` answer from this runtime, and as one that has just started."""
    requests = RequestMetrics()
    app.state.runtime = runtime
    app.state.mlflow = MlflowServer(runtime.settings.mlflow_url)
    app.state.write_turns = Semaphore(WRITES_AT_ONCE)
    app.state.requests = requests
    app.state.metrics = [requests.registry]
    app.state.prober = Prober()


def make_app() -> FastAPI:
    """Every route, on no runtime yet. Costly: FastAPI reads the routes of a router when the first is asked for."""
    app = DescribedApp(
        title="Millrace",
        version="0.1.0",
        description=DESCRIPTION,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
        redoc_url=None,
    )
    app.include_router(dvc.router)  # first: it is asked for each of many small files
    app.include_router(dvc_folders.router)
    app.include_router(mlflow.router)
    # Which problems an operation has is found out when it is described: this brings their schema into the document.
    problems: dict[int | str, dict[str, Any]] = {"default": {"model": errors.Problem}}
    app.include_router(health.public, responses=problems)
    app.include_router(health.router, responses=problems)
    for router in [*ROUTERS, *PUBLIC]:
        app.include_router(router, prefix=PREFIX, responses=problems)
    app.include_router(repositories.hooks, responses=problems)
    errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Envelope)
    return app


def build() -> FastAPI:
    """The application on a runtime made from the settings (`uvicorn --factory api.main:build`)."""
    settings = Settings()
    set_up_logging(settings)
    runtime = open_runtime(settings)
    app = create_app(runtime)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        freeze()  # what was imported is never garbage, and is not to be looked through for it
        yield
        await app.state.mlflow.aclose()
        runtime.close()

    app.router.lifespan_context = lifespan
    return app
