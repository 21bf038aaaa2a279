"""Monitoring as clients see it: policies, ground truth, alerts."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.drift import WindowRead
from api.schemas.governor import RulingRead
from domain.monitoring.alerts import AlertKind, AlertState
from domain.monitoring.specs import GovernorPolicy, MonitorPolicy, TruthItem


class MonitorPut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    policy: MonitorPolicy = MonitorPolicy()
    governor: GovernorPolicy = GovernorPolicy()


class MonitorRead(MonitorPut):
    endpoint: str
    revision: int = Field(description="How often it was set; 0 for the defaults. The ETag.")


class TruthCreate(BaseModel):
    """What turned out to be true, by prediction id."""

    model_config = ConfigDict(extra="forbid")

    items: list[TruthItem] = Field(min_length=1, max_length=10_000)


class TruthAccepted(BaseModel):
    received: int
    new: int


class AlertRead(BaseModel):
    """About an endpoint with the window that showed it, or about the gates of a model."""

    id: str
    endpoint: str | None
    model: str | None
    kind: AlertKind
    severity: str
    state: AlertState
    reason: str
    next_step: str
    window_id: str | None
    occurrences: int
    opened_at: datetime
    last_seen_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str | None
    resolved_by: str | None
    resolved_at: datetime | None


class AlertDetail(AlertRead):
    """The same, with the window that showed it last and what the governor said to that one, newest first."""

    window: WindowRead | None
    rulings: list[RulingRead]


class AlertAcknowledge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=2000, description="What is known so far; shown with the alert.")


class AlertResolve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2000)
