"""The tables of eyeballs and of notes on rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id


class Eyeball(Base):
    """One question about a version's answers. `pick` is a `domain.eyeballs.specs.Pick`, empty until it was answered.

    `against_version_id` is who the other version was when it was asked.
    """

    __tablename__ = "eyeball"
    __table_args__ = (UniqueConstraint("version_id", "question_digest"),)

    id: Mapped[Id]
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    against_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    dataset_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("dataset_version.id"))
    question: Mapped[dict[str, Any]]
    question_digest: Mapped[str] = mapped_column(String(64))
    pick: Mapped[dict[str, Any] | None]
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(200))


class RowNote(Base):
    """What a person says of a row, named by its content; written again, the later note counts."""

    __tablename__ = "row_note"

    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"), primary_key=True)
    row: Mapped[str] = mapped_column(String(16), primary_key=True)
    finding: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime]
    noted_by: Mapped[str] = mapped_column(String(200))
