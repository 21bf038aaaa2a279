"""One recorded prediction, and the whole chain from it back to rows, code and decision.

Segments are Parquet, which this process does not read: a job looks the row up, and its result is kept.
"""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from adapters.runtime import Runtime
from api.deps import Reader, RuntimeDep
from api.schemas.endpoints import LineageLink, LineageRead, PredictionRead
from api.schemas.jobs import JobRead
from domain.access.actor import Actor
from domain.deployments.jobs import LookUpPrediction
from domain.deployments.lineage import chain
from domain.deployments.queries import get_endpoint
from domain.errors import NotFound, Unavailable
from domain.jobs import queries as jobs
from domain.jobs import service as job_service
from domain.jobs.models import Job
from domain.jobs.states import ENDED, JobState
from domain.monitoring.queries import truth_of
from domain.registry.models import RegisteredModel

router = APIRouter(prefix="/predictions", tags=["predictions"])

# As serving gives them out: nothing else is worth a job that looks for it.
PredictionId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]

_WAIT_SECONDS = 10.0
_POLL_SECONDS = 0.05
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": JobRead, "description": "Still looking; ask again."}}


class UnknownPrediction(NotFound):
    code = "unknown_prediction"


class LookUpFailed(Unavailable):
    code = "look_up_failed"


def look_up(runtime: Runtime, actor: Actor, prediction_id: str) -> Job:
    """The job that looks the prediction up: a finished one if there is one, else a new one, waited for briefly."""
    subject = f"predictions/{prediction_id}"
    with runtime.reading() as session:
        standing = jobs.latest_succeeded(session, kind=LookUpPrediction.kind(), subject=subject)
    if standing is not None:
        return standing
    with runtime.transaction(actor) as session:
        job_id = job_service.submit(session, LookUpPrediction(prediction_id=prediction_id), subject=subject).id
    return waited_for(runtime, job_id)


def waited_for(runtime: Runtime, job_id: str) -> Job:
    """The job when it has ended, or as it is when that takes too long for one request."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        with runtime.reading() as session:
            job = jobs.get_job(session, job_id)
        if job.state in ENDED or time.monotonic() > deadline:
            return job
        time.sleep(_POLL_SECONDS)


def record_of(runtime: Runtime, job: Job, prediction_id: str, response: Response) -> PredictionRead | JobRead:
    if job.state == JobState.SUCCEEDED and job.result is not None:
        found = job.result
        with runtime.reading() as session:
            endpoint = get_endpoint(session, found["endpoint"])
            model = session.get_one(RegisteredModel, endpoint.model_id)
            truth = truth_of(session, endpoint.name, [prediction_id]).get(prediction_id)
        return PredictionRead.model_validate({**found, "model": model.name, "ground_truth": truth})
    if job.state in ENDED:
        error = job.error or {}
        if error.get("code") == UnknownPrediction.code:
            raise UnknownPrediction(error["message"], where="prediction_id", fix=error.get("fix"))
        raise LookUpFailed(
            f"The prediction could not be looked up: {error.get('message', job.state)}", where=f"jobs/{job.id}"
        )
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/{prediction_id}", responses=_ACCEPTED)
def get_prediction(
    prediction_id: PredictionId, runtime: RuntimeDep, response: Response, actor: Reader
) -> PredictionRead | JobRead:
    """The recorded row, the answer, and the truth if it is known."""
    return record_of(runtime, look_up(runtime, actor, prediction_id), prediction_id, response)


@router.get("/{prediction_id}/lineage", responses=_ACCEPTED)
def get_prediction_lineage(
    prediction_id: PredictionId, runtime: RuntimeDep, response: Response, actor: Reader
) -> LineageRead | JobRead:
    """From the answer to model version, gate decision, run, code, data version and its checks."""
    record = record_of(runtime, look_up(runtime, actor, prediction_id), prediction_id, response)
    if isinstance(record, JobRead):
        return record
    first = LineageLink(
        noun="prediction",
        subject=f"predictions/{prediction_id}",
        headline=f"{record.prediction} by {record.model} version {record.version} in {record.latency_us / 1000:.2f} ms",
        facts=record.model_dump(mode="json", exclude={"package"}),
    )
    with runtime.reading() as session:
        rest = chain(session, endpoint=record.endpoint, number=record.version, at=record.at)
        links = [
            LineageLink(noun=one.noun, subject=one.subject, headline=one.headline, facts=one.facts) for one in rest
        ]
    return LineageRead(links=[first, *links])
