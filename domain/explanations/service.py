"""Verbs of explanations: order one."""

from domain.db import WriteSession
from domain.explanations.jobs import ExplainPrediction
from domain.explanations.queries import newest, subject_of
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.states import JobState


def request(session: WriteSession, *, prediction_id: str, key: str | None = None) -> Job:
    """The job that explains the prediction: the one there is, unless it came to nothing."""
    standing = newest(session, prediction_id)
    if standing is not None and standing.state not in {JobState.FAILED, JobState.CANCELLED}:
        return standing
    order = ExplainPrediction(prediction_id=prediction_id)
    return jobs.submit(session, order, subject=subject_of(prediction_id), key=key)
