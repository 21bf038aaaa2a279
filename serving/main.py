"""Serving as a process of its own: `uvicorn --factory serving.main:build`. It needs the model store, nothing else."""

import sys

import pyarrow as pa
from starlette.types import ASGIApp

from adapters.object_store.opening import open_store
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from serving.app import build_serving, standalone


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
        max_body_bytes=settings.max_body_bytes,
        poll_seconds=settings.serving_poll_seconds,
        flush_seconds=settings.serving_flush_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    return standalone(app)
