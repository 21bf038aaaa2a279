"""Jobs as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from domain.jobs.states import JobState


class JobRead(BaseModel):
    """A durable job. `progress` runs from 0 to 1; `error` says what the last failed attempt came to."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    subject: str
    state: JobState
    progress: float
    message: str
    attempt: int
    max_attempts: int
    worker: str | None
    payload: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    actor: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class JobLogRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    level: str
    line: str
