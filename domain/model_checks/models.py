"""The table of model check reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.model_checks.specs import Verdict


class ModelCheckReport(Base):
    """What the checks of one policy version found in a model version. Written once per job, never changed."""

    __tablename__ = "model_check_report"
    __table_args__ = (Index("ix_model_check_report_version_id", "version_id"),)

    id: Mapped[Id]
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    policy_version: Mapped[int]
    checks: Mapped[list[Any]]
    verdict: Mapped[Verdict] = mapped_column(String(20))
    results: Mapped[list[Any]]
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
