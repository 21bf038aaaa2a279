"""The newest recorded predictions of an endpoint: where one begins who has no id to look up.

Segments are Parquet, which this process does not read: a job reads the newest, as it looks one up.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from adapters.runtime import Runtime
from api.deps import Reader, RuntimeDep
from api.routers.predictions import LookUpFailed, waited_for
from api.schemas.endpoints import RecentPrediction, RecentPredictionsRead
from api.schemas.jobs import JobRead
from domain.access.actor import Actor
from domain.db import ReadSession
from domain.deployments.jobs import ReadPredictions
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.deployments.specs import MOST_RECENT, EndpointSettings
from domain.jobs import queries as jobs
from domain.jobs import service as job_service
from domain.jobs.models import Job
from domain.jobs.states import ENDED, JobState
from domain.monitoring.queries import truth_of
from domain.registry.models import RegisteredModel

router = APIRouter(tags=["predictions"])

# So long a reading is the answer to whoever asks: those who ask again after a 202, and several pages at once.
_FRESH = timedelta(seconds=3)
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": JobRead, "description": "Still reading; ask again."}}


@router.get("/endpoints/{name}/predictions", responses=_ACCEPTED)
def get_recent_predictions(
    name: str,
    runtime: RuntimeDep,
    response: Response,
    actor: Reader,
    limit: Annotated[int, Query(ge=1, le=MOST_RECENT, description="At most so many.")] = 50,
) -> RecentPredictionsRead | JobRead:
    """The newest recorded answers of the endpoint, newest first, each with the id that its lineage is asked by.

    Answers of the last second or so are not in it: they wait in the serving process to be written (see `as_of`).
    An endpoint that records nothing has none, and `reason` says so; what was kept before is still listed.
    """
    job = _reading(runtime, actor, name)
    if job.state == JobState.SUCCEEDED and job.result is not None:
        with runtime.reading() as session:
            return _read(session, get_endpoint(session, name), job, job.result["predictions"][:limit])
    if job.state in ENDED:
        why = (job.error or {}).get("message", job.state)
        raise LookUpFailed(f"The predictions could not be read: {why}", where=f"jobs/{job.id}")
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


def _reading(runtime: Runtime, actor: Actor, endpoint: str) -> Job:
    """The job that reads them: one under way, or one that ended a moment ago, else a new one; waited for briefly."""
    subject = f"endpoints/{endpoint}/predictions"
    with runtime.reading() as session:
        get_endpoint(session, endpoint)
        job = jobs.newest(session, kind=ReadPredictions.kind(), subject=subject)
    if job is not None and job.ended_at is not None:
        if job.ended_at > runtime.clock() - _FRESH:
            return job
        job = None
    if job is None:
        with runtime.transaction(actor) as session:
            job = job_service.submit(session, ReadPredictions(endpoint=endpoint), subject=subject)
    return waited_for(runtime, job.id)


def _read(session: ReadSession, endpoint: Endpoint, job: Job, found: list[dict[str, Any]]) -> RecentPredictionsRead:
    truth = truth_of(session, endpoint.name, [row["id"] for row in found])
    settings = EndpointSettings.model_validate(endpoint.settings)
    recording = settings.record and settings.record_share > 0
    return RecentPredictionsRead(
        endpoint=endpoint.name,
        model=session.get_one(RegisteredModel, endpoint.model_id).name,
        as_of=job.started_at or job.created_at,
        recording=recording,
        reason=_reason(endpoint, recording=recording, any_found=bool(found)),
        predictions=[RecentPrediction.model_validate({**row, "ground_truth": truth.get(row["id"])}) for row in found],
    )


def _reason(endpoint: Endpoint, *, recording: bool, any_found: bool) -> str | None:
    if not recording:
        return "Recording is off: what the endpoint answers is not kept. Its settings turn it on."
    if any_found:
        return None
    if endpoint.live_version_id is None:
        return "No version answers here yet, so there is nothing to record."
    return (
        "Nothing is recorded. Either nobody has asked yet, or only a moment ago (an answer is written within a second "
        "or so), or what was kept has expired."
    )
