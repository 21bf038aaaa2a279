"""Comparisons as clients see them."""

from datetime import datetime

from pydantic import BaseModel

from domain.comparisons.specs import ComparedData, ComparedVersion, ComparisonResult
from domain.jobs.states import JobState


class ComparisonRead(BaseModel):
    """What was asked, with every reference resolved; `result` is null until the job has succeeded."""

    id: str
    model: str
    job_id: str
    state: JobState
    versions: list[ComparedVersion]
    datasets: list[ComparedData]
    where: list[str]
    metric: str
    result: ComparisonResult | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
