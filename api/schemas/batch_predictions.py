"""Batch predictions as clients see them."""

from datetime import datetime

from pydantic import BaseModel

from domain.batch_predictions.specs import BadRow, BatchAsk
from domain.jobs.states import JobState


class BatchPredictionRead(BaseModel):
    """What was asked, with every reference resolved; `output` and the figures are null until the job has succeeded."""

    id: str
    job_id: str
    state: JobState
    input: str
    model: str
    ask: BatchAsk
    rows_scored: int
    rows: int | None
    bad_rows: int | None
    bad: list[BadRow]
    output: str | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
