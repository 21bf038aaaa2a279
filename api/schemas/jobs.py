"""Jobs as clients see them."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.jobs.states import JobState
from domain.jobs.usage import Prices, Stage, cost_of


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


class StageRead(Stage):
    """One stage of one attempt of a job."""

    cost: float | None = Field(description="In the installation's currency; null where nothing has a price.")


class UsageRead(BaseModel):
    """What a job took so far, stage by stage and in all, over all its attempts."""

    stages: list[StageRead]
    wall_seconds: float
    cpu_seconds: float = Field(description="User and system time of the worker's process and its children.")
    peak_bytes: int = Field(description="The most memory that was resident at once.")
    cost: float | None = Field(description="What the stages cost together; null where nothing has a price.")
    currency: str

    @classmethod
    def of(cls, recorded: list[Any] | None, prices: Prices) -> Self | None:
        """The recorded stages at today's prices; None for a job that has never been measured."""
        if not recorded:
            return None
        stages = [Stage.model_validate(one) for one in recorded]
        priced = [StageRead(**stage.model_dump(), cost=cost_of(stage, prices)) for stage in stages]
        costs = [stage.cost for stage in priced if stage.cost is not None]
        return cls(
            stages=priced,
            wall_seconds=sum(stage.wall_seconds for stage in stages),
            cpu_seconds=sum(stage.cpu_seconds for stage in stages),
            peak_bytes=max(stage.peak_bytes for stage in stages),
            cost=sum(costs) if costs else None,
            currency=prices.currency,
        )


class JobDetail(JobRead):
    """A job with what it took."""

    usage: UsageRead | None = Field(description="Null until a worker has begun; renewed with each heartbeat.")


class JobLogRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    level: str
    line: str
