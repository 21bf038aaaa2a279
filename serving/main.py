"""Serving as a process of its own: `uvicorn --factory serving.main:build`. It needs the model store, nothing else."""

import multiprocessing
import os
import sys

from starlette.types import ASGIApp

from adapters.object_store.opening import open_store
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from serving.app import build_serving, standalone
from serving.limits import Limits


def build() -> ASGIApp:
    """The application that the settings describe."""
    # Threads that write segments or decode large bodies would otherwise hold each small request up for 5 ms.
    sys.setswitchinterval(0.0005)
    settings = Settings()
    set_up_logging(settings)
    app = build_serving(
        open_store(settings.model_store_url, settings),
        settings.home / "packages",
        limits=limits_of(settings),
        poll_seconds=settings.serving_poll_seconds,
        flush_seconds=settings.serving_flush_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    # One of several that uvicorn has started has to answer for the others' metrics too.
    several = multiprocessing.parent_process() is not None
    return standalone(app, beside=settings.home / "scratch" / f"metrics-{os.getppid()}" if several else None)


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
