"""Pipelines, their runs and their steps."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.pipelines.graph import RunState, StepName, StepState


class Pipeline(Base):
    """A declared chain. `spec` is the newest revision; runs keep the one they started with."""

    __tablename__ = "pipeline"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    spec: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PipelineRun(Base):
    """One turn of a pipeline. `trigger` says what set it off: manual, dataset_version, code, drift or schedule.

    `cause` names the thing, where it was one: `window:{id}`, `dataset_version:{id}` or `code:{commit}`.
    """

    __tablename__ = "pipeline_run"
    __table_args__ = (Index("ix_pipeline_run_pipeline_id", "pipeline_id"), Index("ix_pipeline_run_cause", "cause"))

    id: Mapped[Id]
    pipeline_id: Mapped[str] = mapped_column(String(36), ForeignKey("pipeline.id"))
    spec: Mapped[dict[str, Any]]
    state: Mapped[RunState] = mapped_column(String(20), default=RunState.RUNNING)
    trigger: Mapped[str] = mapped_column(String(20))
    trigger_reason: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text, default="")
    started_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PipelineStep(Base):
    """One step of a run. It waits for what `waits_for` names, for example `run:{id}`; `output` is what it came to."""

    __tablename__ = "pipeline_step"
    __table_args__ = (UniqueConstraint("run_id", "name"), Index("ix_pipeline_step_waits_for", "waits_for"))

    id: Mapped[Id]
    run_id: Mapped[str] = mapped_column(String(36), ForeignKey("pipeline_run.id"))
    name: Mapped[StepName] = mapped_column(String(20))
    position: Mapped[int]
    state: Mapped[StepState] = mapped_column(String(20), default=StepState.PENDING)
    waits_for: Mapped[str | None] = mapped_column(String(100))
    output: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
