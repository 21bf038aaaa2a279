"""Pipelines and their runs as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.pipelines.graph import RunState, StepName, StepState
from domain.pipelines.specs import PipelineSpec, Trigger


class PipelineRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    spec: PipelineSpec
    revision: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class TriggersPut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    triggers: list[Trigger]


class PipelineRunCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="asked by a person", max_length=2000)


class StepRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: StepName
    state: StepState
    reason: str
    output: dict[str, Any]
    waits_for: str | None
    started_at: datetime | None
    ended_at: datetime | None


class PipelineRunRead(BaseModel):
    """One turn; `trigger` says what set it off and `reason` how it ended."""

    id: str
    pipeline: str
    state: RunState
    trigger: str
    trigger_reason: str
    reason: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    steps: list[StepRead]
