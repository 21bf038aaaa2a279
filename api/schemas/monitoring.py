"""Monitoring as clients see it: policies, ground truth, windows, alerts."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.monitoring.alerts import AlertKind, AlertState
from domain.monitoring.specs import DriftResult, GovernorPolicy, MonitorPolicy, PerformanceResult, TruthItem
from domain.monitoring.windows import WindowState, WindowVerdict


class MonitorPut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    policy: MonitorPolicy = MonitorPolicy()
    governor: GovernorPolicy = GovernorPolicy()


class MonitorRead(MonitorPut):
    endpoint: str


class TruthCreate(BaseModel):
    """What turned out to be true, by prediction id."""

    model_config = ConfigDict(extra="forbid")

    items: list[TruthItem] = Field(min_length=1, max_length=10_000)


class TruthAccepted(BaseModel):
    received: int
    new: int


class WindowRead(BaseModel):
    """A window of traffic; `drift` and `performance` are null until they are known."""

    id: str
    version: int | None
    state: WindowState
    verdict: WindowVerdict | None
    rows: int
    first_id: str
    last_id: str
    opened_at: datetime
    closed_at: datetime | None
    drift: DriftResult | None
    performance: PerformanceResult | None


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
    resolved_by: str | None
    resolved_at: datetime | None


class AlertResolve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2000)
