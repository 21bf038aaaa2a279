"""The tables of data checks: the suites a dataset has had, and the reports on its versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.data_checks.specs import Verdict
from domain.db import Base, Id


class DatasetSuite(Base):
    """One revision of a dataset's suite. The newest one counts; none is ever changed."""

    __tablename__ = "dataset_suite"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[Id]
    dataset_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset.id", ondelete="CASCADE"))
    number: Mapped[int]
    suite: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class DataCheckReport(Base):
    """What a suite found in a version. It carries the suite itself, so that the verdict can be read alone later."""

    __tablename__ = "data_check_report"
    __table_args__ = (Index("ix_data_check_report_version_id", "version_id"),)

    id: Mapped[Id]
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset_version.id", ondelete="CASCADE"))
    job_id: Mapped[str] = mapped_column(String(36), unique=True)
    suite: Mapped[dict[str, Any]]
    suite_digest: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[Verdict] = mapped_column(String(10))
    results: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
