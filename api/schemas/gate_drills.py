"""Gate drills as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.gate_drills.specs import DrillResult
from domain.jobs.states import JobState


class GateDrillRead(BaseModel):
    """One drill of a version and a policy; `result` is null until the job has succeeded."""

    id: str
    model: str
    version: int
    policy_version: int
    job_id: str
    state: JobState
    got_through: int | None
    result: DrillResult | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None


class GateDrillSchedulePut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    every_days: int | None = Field(ge=1, le=365, description="Null: not by themselves.")


class GateDrillScheduleRead(BaseModel):
    model: str
    every_days: int | None
    due_at: datetime | None
