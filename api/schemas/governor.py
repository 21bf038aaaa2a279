"""The governor of retrains as clients see it."""

from datetime import datetime

from pydantic import BaseModel, Field

from domain.monitoring.specs import GovernorPolicy
from domain.monitoring.windows import WindowVerdict


class RulingRead(BaseModel):
    """What the governor said once. `run_id` is set when a retrain started, `rule` when one was refused."""

    seq: int
    at: datetime
    pipeline: str
    started: bool
    rule: str
    reason: str
    run_id: str | None
    window_id: str | None


class GovernorPipeline(BaseModel):
    """What it would say now about one pipeline, were the newest window to ask."""

    pipeline: str
    would_start_now: bool
    rule: str = Field(description="The rule that decides: `go`, or the first that objects.")
    reason: str
    in_flight: str | None = Field(description="The pipeline run that is under way.")
    budget: int
    budget_used: int = Field(description="Retrains that started by themselves within a day.")
    budget_left: int
    cooldown_until: datetime | None
    failed_gates: int = Field(description="Retrains in a row that the gate refused.")
    max_failed_gates: int
    breaker_open: bool = Field(description="Whether too many failed: a pass, or a change of the pipeline, closes it.")
    last_started_at: datetime | None


class GovernorRead(BaseModel):
    """`windows` are the newest of the version that answers, newest first; `pipelines` those its drift sets off."""

    endpoint: str
    policy: GovernorPolicy
    windows: list[WindowVerdict]
    windows_bad: int
    windows_needed: int
    windows_seen: int
    broken_columns: list[str] = Field(description="What is broken in the newest window, and holds retrains back.")
    would_start_now: bool
    pipelines: list[GovernorPipeline]
    rulings: list[RulingRead] = Field(description="The newest first.")
