"""The table of comparisons."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id


class VersionComparison(Base):
    """What was asked, with every reference resolved, and a `ComparisonResult` once the job has come to it."""

    __tablename__ = "version_comparison"
    __table_args__ = (Index("ix_version_comparison_model_id", "model_id"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    versions: Mapped[list[Any]]
    datasets: Mapped[list[Any]]
    where: Mapped[list[Any]]
    metric: Mapped[str] = mapped_column(String(50))
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
