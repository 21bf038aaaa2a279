"""The tables of gate drills and of their schedules."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id


class GateDrill(Base):
    """One drill: its base version, the policy in force, and a `DrillResult` once the job has come to it."""

    __tablename__ = "gate_drill"
    __table_args__ = (Index("ix_gate_drill_model_id", "model_id"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    policy_version: Mapped[int]
    policy: Mapped[dict[str, Any]]
    got_through: Mapped[int | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]


class GateDrillSchedule(Base):
    """How often the gates of a model are drilled by themselves."""

    __tablename__ = "gate_drill_schedule"

    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"), primary_key=True)
    every_days: Mapped[int]
    due_at: Mapped[datetime]
