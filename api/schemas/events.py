"""Events as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class EventRead(BaseModel):
    """One row of the audit trail; `seq` is its place in the order of commits."""

    model_config = ConfigDict(from_attributes=True)

    seq: int
    type: str
    subject: str
    actor: str
    at: datetime
    payload: dict[str, Any]
    request_id: str | None
    job_id: str | None


class EventKindRead(BaseModel):
    """A type of event: the noun it is about, what it means, and the names in its payload."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    noun: str
    meaning: str
    fields: list[str]
