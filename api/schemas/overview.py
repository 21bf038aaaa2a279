"""What the first page of the dashboard shows."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.schemas.jobs import JobRead
from api.schemas.monitoring import AlertRead

StageName = Literal["data", "check", "train", "check_model", "promote", "serve", "watch", "retrain"]
StageState = Literal["idle", "running", "ok", "failed", "attention"]
DecisionKind = Literal["checks", "gate", "rollout", "governor"]


class CountsRead(BaseModel):
    datasets: int
    dataset_versions: int
    runs: int
    models: int
    model_versions: int
    endpoints: int


class StageRead(BaseModel):
    """One stage of the loop: its state now, and the latest fact about it."""

    stage: StageName
    state: StageState
    headline: str
    detail: str | None = None
    at: datetime | None = None
    subject: str | None = None


class DecisionRead(BaseModel):
    """Something the platform decided, with its reason."""

    id: int
    at: datetime
    kind: DecisionKind
    verdict: str
    subject: str
    reason: str


class EndpointBrief(BaseModel):
    name: str
    model: str
    live_version: int | None
    standby_version: int | None
    state: Literal["empty", "rolling_out", "live"]
    revision: int


class OverviewRead(BaseModel):
    generated_at: datetime
    counts: CountsRead
    stages: list[StageRead]
    decisions: list[DecisionRead]
    jobs: list[JobRead]
    endpoints: list[EndpointBrief]
    alerts: list[AlertRead]
