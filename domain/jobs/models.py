"""The job table and its log lines."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id, Sequence
from domain.jobs.states import JobState


class Job(Base):
    """One order. `fence` grows with every claim; only its holder may record progress or an end."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "state", "available_at"),
        Index("ix_job_subject", "subject"),
        Index("ix_job_kind", "kind"),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(400))
    payload: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(String(20), default=JobState.QUEUED)
    priority: Mapped[int] = mapped_column(default=0)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    fence: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(200))
    available_at: Mapped[datetime]
    nudged_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(String(500), default="")
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    stages: Mapped[list[Any] | None]
    actor: Mapped[str] = mapped_column(String(200))
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Tick(Base):
    """When the tick last came round, by the process that does it."""

    __tablename__ = "tick"

    process: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[datetime]


class JobLog(Base):
    """A line a job wrote, or a step of its life (claimed, retried, cancelled)."""

    __tablename__ = "job_log"
    __table_args__ = (Index("ix_job_log_job_id_seq", "job_id", "seq"),)

    seq: Mapped[Sequence]
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    level: Mapped[str] = mapped_column(String(10))
    line: Mapped[str] = mapped_column(Text)
