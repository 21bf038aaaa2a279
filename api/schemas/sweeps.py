"""Sweeps as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.sweeps.specs import SweepSpec
from domain.sweeps.states import SweepState, TrialState


class TrialRead(BaseModel):
    """One point of the space. `value` is the objective's metric; `reason` says why it failed, or was refused."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    params: dict[str, Any]
    state: TrialState
    run_id: str | None
    job_id: str | None
    value: float | None
    reason: str
    started_at: datetime | None
    ended_at: datetime | None


class SweepRead(BaseModel):
    """One training tried with many parameters. `spec` has its data pinned, and its metric by its full name."""

    id: str
    experiment: str
    state: SweepState
    reason: str = Field(description="Why it ended.")
    spec: SweepSpec
    total: int = Field(description="How many trials were planned.")
    counts: dict[TrialState, int] = Field(description="Trials by how they stand; none is left out.")
    best: TrialRead | None = Field(description="The best trial so far.")
    created_by: str
    created_at: datetime
    ended_at: datetime | None


class SweepDetail(SweepRead):
    """A sweep with all of its trials, in the order of their turn."""

    trials: list[TrialRead]
