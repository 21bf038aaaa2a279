"""The table of reproductions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.reproductions.specs import Verdict


class Reproduction(Base):
    """One attempt to get `run_id` again, by the run `again_id` where its data is there; a `Finding` at the end."""

    __tablename__ = "reproduction"
    __table_args__ = (Index("ix_reproduction_run_id", "run_id"),)

    id: Mapped[Id]
    run_id: Mapped[str] = mapped_column(String(36), ForeignKey("run.id"))
    again_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("run.id"), unique=True)
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    tolerance: Mapped[float]
    verdict: Mapped[Verdict | None] = mapped_column(String(20))
    finding: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
