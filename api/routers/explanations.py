"""Why one prediction is what it is: computed by a worker when it is first asked for, and kept."""

from typing import Any

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, ReadDep, Reader, WriteDep, Writer
from api.routers.predictions import PredictionId, UnknownPrediction
from api.schemas.explanations import ExplanationRead
from api.schemas.jobs import JobRead
from domain.errors import Conflict, NotFound
from domain.explanations import queries, service
from domain.jobs.states import ENDED, JobState

router = APIRouter(prefix="/predictions", tags=["explanations"])

_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": JobRead, "description": "Under way; ask again."}}


class NotExplained(NotFound):
    code = "not_explained"


class ExplanationFailed(Conflict):
    """The job ended without an explanation; its reason is the message."""

    code = "explanation_failed"


@router.post("/{prediction_id}/explanation", status_code=202)
def explain_prediction(
    prediction_id: PredictionId, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Work out what each input contributed. Asked again, it is the same job, unless that came to nothing."""
    job = service.request(session, prediction_id=prediction_id, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/{prediction_id}/explanation", responses=_ACCEPTED)
def get_explanation(
    prediction_id: PredictionId, session: ReadDep, response: Response, _: Reader
) -> ExplanationRead | JobRead:
    """What each input contributed, once it has been asked for and worked out."""
    job = queries.newest(session, prediction_id)
    if job is None:
        raise NotExplained(
            "Nobody has asked for this explanation.", where="prediction_id", fix="POST to the same address first."
        )
    if job.state == JobState.SUCCEEDED:
        return ExplanationRead.model_validate(job.result)
    if job.state in ENDED:
        error = job.error or {}
        kind = UnknownPrediction if error.get("code") == UnknownPrediction.code else ExplanationFailed
        raise kind(error.get("message", f"The job was {job.state}."), where=error.get("where"), fix=error.get("fix"))
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)
