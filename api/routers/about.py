"""What this installation is made of. It answers whatever is away, within a few seconds."""

import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request

from adapters.object_store.protocol import ObjectStore
from adapters.probes import Probed, Prober, ask_mlflow
from adapters.runtime import Runtime
from api.deps import MOST_ROWS, Reader, RuntimeDep
from api.schemas.about import AboutRead, BrokerRead, DatabaseRead, LimitsRead, PartRead, StorePartRead, WorkersRead
from domain.jobs.queries import last_tick, queue_facts
from domain.jobs.states import JobState

router = APIRouter(tags=["about"])

_MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"


@router.get("/about")
def get_about(request: Request, runtime: RuntimeDep, _: Reader) -> AboutRead:
    """Version, clock, limits, and whether database, broker, stores, MLflow and workers answer."""
    prober: Prober = request.app.state.prober
    found = prober.ask(_questions(runtime))
    settings = runtime.settings
    return AboutRead(
        version=request.app.version,
        python=platform.python_version(),
        server_time=runtime.clock(),
        database=DatabaseRead(
            **_part(found["database"]),
            kind=runtime.database.dialect,
            revision=found["database"].value,
            newest_revision=_newest_revision(),
        ),
        broker=_broker(found["broker"]),
        stores=[
            StorePartRead(**_part(found["data store"]), name="data", kind=_kind_of(settings.store_url)),
            StorePartRead(**_part(found["model store"]), name="models", kind=_kind_of(settings.model_store_url)),
        ],
        mlflow=PartRead(**_part(found["mlflow"])),
        workers=_workers(runtime, found["workers"], found["jobs"]),
        limits=LimitsRead(
            max_body_bytes=settings.max_body_bytes,
            max_upload_bytes=settings.max_upload_bytes,
            max_upload_files=settings.max_upload_files,
            max_page=MOST_ROWS,
        ),
    )


def _questions(runtime: Runtime) -> dict[str, Callable[[], Any]]:
    return {
        "database": runtime.database.revision,
        "broker": runtime.queue.depth,
        "data store": partial(_look_into, runtime.data),
        "model store": partial(_look_into, runtime.models),
        "mlflow": partial(ask_mlflow, runtime.settings.mlflow_url),
        "workers": runtime.queue.workers,
        "jobs": partial(_jobs, runtime),
    }


def _look_into(store: ObjectStore) -> None:
    store.exists("files/md5/ready")


def _jobs(runtime: Runtime) -> tuple[Any, dict[str, int]]:
    with runtime.reading() as session:
        return last_tick(session), queue_facts(session, now=runtime.clock()).counts


def _part(probed: Probed) -> dict[str, Any]:
    return {"reachable": probed.error is None, "error": probed.error, "milliseconds": probed.milliseconds}


def _broker(probed: Probed) -> BrokerRead:
    if probed.error is None and probed.value is None:  # the queue swallows what its driver raises
        probed = Probed(None, "It does not answer; jobs wait in the database.", None)
    return BrokerRead(**_part(probed), waiting=probed.value)


def _workers(runtime: Runtime, answering: Probed, jobs: Probed) -> WorkersRead:
    ticked_at, counts = jobs.value or (None, None)
    return WorkersRead(
        answering=answering.value,
        last_tick_at=ticked_at,
        last_tick_age_seconds=(runtime.clock() - ticked_at).total_seconds() if ticked_at else None,
        tick_seconds=runtime.settings.tick_seconds,
        queued_jobs=counts.get(JobState.QUEUED, 0) if counts is not None else None,
        running_jobs=counts.get(JobState.RUNNING, 0) if counts is not None else None,
    )


def _kind_of(url: str) -> str:
    scheme, found, _ = url.partition("://")
    return scheme if found and scheme != "file" else "local"


def _newest_revision() -> str | None:
    """Migrations are files that are named by their order."""
    return max((path.stem.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*_*.py")), default=None)
