"""Reads of explanations, which are jobs and their results."""

from domain.db import AnySession
from domain.explanations.jobs import ExplainPrediction
from domain.jobs import queries as jobs
from domain.jobs.models import Job


def subject_of(prediction_id: str) -> str:
    return f"predictions/{prediction_id}/explanation"


def newest(session: AnySession, prediction_id: str) -> Job | None:
    """The last job that explains, or explained, this prediction."""
    return jobs.newest(session, kind=ExplainPrediction.kind(), subject=subject_of(prediction_id))
