"""Serving as a process of its own: `uvicorn --factory serving.main:build`. It needs the model store, nothing else."""

import logging
import multiprocessing
import os
import sys
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib import import_module
from typing import Any

import pyarrow as pa
from starlette.types import ASGIApp

from adapters.object_store.opening import open_store
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from serving.app import ServingApp, build_serving, standalone
from serving.limits import Limits
from serving.supervisor import ProcessLimits

log = logging.getLogger(__name__)


def build() -> ASGIApp:
    """The application that the settings describe."""
    # Threads that write segments or decode large bodies would otherwise hold each small request up for 5 ms.
    sys.setswitchinterval(0.0005)
    # Arrow's own allocator keeps what a flush of the recorder needed for a moment.
    pa.set_memory_pool(pa.system_memory_pool())
    settings = Settings()
    set_up_logging(settings)
    app = build_serving(
        open_store(settings.model_store_url, settings),
        settings.home / "packages",
        limits=limits_of(settings),
        poll_seconds=settings.serving_poll_seconds,
        flush_seconds=settings.serving_flush_seconds,
        python=process_limits_of(settings),
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    # One of several that uvicorn has started has to answer for the others' metrics too.
    several = multiprocessing.parent_process() is not None
    beside = settings.home / "scratch" / f"metrics-{os.getppid()}" if several else None
    return standalone(app, beside=beside, also=grpc_beside(app, settings))


def limits_of(settings: Settings) -> Limits:
    """What the installation lets a serving process take on."""
    return Limits(
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.serving_body_seconds,
        drain_seconds=settings.serving_drain_seconds,
        max_loaded=settings.serving_max_loaded,
        max_model_bytes=settings.serving_max_model_bytes,
        load_seconds=settings.serving_load_seconds,
        trusted_packages=settings.trusted,
        internal_networks=settings.internal,
    )


def process_limits_of(settings: Settings) -> ProcessLimits:
    """What it gives to each model that stays in Python."""
    return ProcessLimits(
        settings.serving_python_processes,
        settings.serving_python_memory_bytes,
        settings.serving_python_timeout_seconds,
    )


def grpc_beside(app: ServingApp, settings: Settings) -> AbstractAsyncContextManager[object]:
    """gRPC where an address is set for it. Without the extra the process starts, answers HTTP, and says why."""
    address = settings.serving_grpc_address
    if not address:
        return nullcontext()
    try:
        module: Any = import_module("serving.grpc_server")
    except ImportError as error:
        log.error("Nothing answers gRPC at %s: %s. Run pip install 'millrace[grpc]'.", address, error)  # noqa: TRY400 - the sentence says it all
        return nullcontext()
    beside: AbstractAsyncContextManager[object] = module.grpc_server(
        app.router, address, max_message_bytes=settings.max_body_bytes
    )
    return beside
