"""Is it alive, is it ready, and how is it doing (Prometheus). Live and ready need no token."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from adapters.object_store.protocol import StoreForbidden, StoreUnavailable
from api.deps import Reader, RuntimeDep
from domain.jobs.queries import queue_facts

public = APIRouter(tags=["health"])
router = APIRouter(tags=["health"])


@public.get("/livez")
def livez() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@public.get("/readyz", responses={503: {"content": {"application/json": {}}, "description": "A part does not answer."}})
def readyz(runtime: RuntimeDep) -> JSONResponse:
    """The database and the store answer. A broker that is away only slows things down, so it is told and not judged."""
    parts = {"database": "ok", "store": "ok", "broker": "ok"}
    try:
        runtime.database.ping()
    except SQLAlchemyError:
        parts["database"] = "does not answer"
    try:
        runtime.data.exists("files/md5/ready")
    except (StoreUnavailable, StoreForbidden):
        parts["store"] = "does not answer"
    ready = parts["database"] == "ok" and parts["store"] == "ok"
    if runtime.queue.depth() is None:
        parts["broker"] = "does not answer; jobs wait in the database"
    return JSONResponse({"status": "ok" if ready else "unavailable", **parts}, 200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, runtime: RuntimeDep, _: Reader) -> Response:
    """Prometheus text: requests, jobs by state, the age of the queue, and predictions when serving is mounted here."""
    now = datetime.now(UTC)
    with runtime.reading() as session:
        facts = queue_facts(session, now=now)
    registry = CollectorRegistry()
    jobs = Gauge("millrace_jobs", "Jobs by state.", ["state"], registry=registry)
    for state, count in facts.counts.items():
        jobs.labels(state).set(count)
    age = Gauge("millrace_queue_age_seconds", "How long the oldest due job has waited.", registry=registry)
    age.set((now - facts.oldest_due_at).total_seconds() if facts.oldest_due_at else 0.0)
    registries: list[CollectorRegistry] = [registry, *request.app.state.metrics]
    return Response(b"".join(generate_latest(one) for one in registries), media_type=CONTENT_TYPE_LATEST)
