"""Reads of explanations, which are jobs and their results."""

from sqlalchemy import select

from domain.db import AnySession
from domain.explanations.jobs import ExplainPrediction
from domain.jobs.models import Job


def subject_of(prediction_id: str) -> str:
    return f"predictions/{prediction_id}/explanation"


def newest(session: AnySession, prediction_id: str) -> Job | None:
    """The last job that explains, or explained, this prediction."""
    query = select(Job).where(Job.kind == ExplainPrediction.kind(), Job.subject == subject_of(prediction_id))
    return session.scalar(query.order_by(Job.id.desc()).limit(1))
