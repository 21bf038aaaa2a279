"""The table of images."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id


class VersionImage(Base):
    """What was asked for, and a `PushedImage` once the job has pushed it. Never changed after that."""

    __tablename__ = "version_image"
    __table_args__ = (Index("ix_version_image_version_id", "version_id"),)

    id: Mapped[Id]
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    target: Mapped[str] = mapped_column(String(300))
    base: Mapped[str] = mapped_column(String(400))
    platform: Mapped[str] = mapped_column(String(70))
    endpoint: Mapped[str] = mapped_column(String(100))
    pushed: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    pushed_at: Mapped[datetime | None]
