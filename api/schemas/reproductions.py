"""Reproductions as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.jobs.states import JobState
from domain.reproductions.specs import Finding, Verdict


class ReproductionCreate(BaseModel):
    """How far metrics (as a share of their value) and predictions may be apart to count as the same."""

    model_config = ConfigDict(extra="forbid")

    tolerance: float = Field(
        default=1e-6,
        ge=0,
        le=0.1,
        description="Of a metric's value (of 1, where that is smaller); of the target's standard deviation, or of a "
        "probability.",
    )


class ReproductionRead(BaseModel):
    """A run trained again. `run_id` is the first run, `again_id` the second; null where its data is gone."""

    id: str
    run_id: str
    again_id: str | None
    job_id: str
    state: JobState = Field(description="Of its job.")
    tolerance: float
    verdict: Verdict | None = Field(description="Null until it has one.")
    finding: Finding | None = Field(description="What is behind the verdict.")
    created_by: str
    created_at: datetime
    ended_at: datetime | None
