"""What events elsewhere mean to batch predictions. Named in `domain.reactions`."""

from domain.batch_predictions import service
from domain.batch_predictions.jobs import PredictBatch
from domain.batch_predictions.queries import find_by_job
from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """What was scored of a batch that came to nothing is not kept; a person's retry scores it anew."""
    if event.kind != PredictBatch.kind():
        return
    batch = find_by_job(session, event.job_id)
    if batch is not None:
        service.let_go(session, batch_id=batch.id)
