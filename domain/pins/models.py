"""The table of pins."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id


class ModelPin(Base):
    """A row with the answer it must get. `expect` and what was `answered` are JSON objects with a `value`.

    It stands until it is taken back: `unpinned_at`, by whom and why.
    """

    __tablename__ = "model_pin"
    __table_args__ = (Index("ix_model_pin_model_id", "model_id"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    instance: Mapped[dict[str, Any]]
    expect: Mapped[dict[str, Any]]
    answered: Mapped[dict[str, Any] | None]
    within: Mapped[float | None]
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    unpinned_at: Mapped[datetime | None]
    unpinned_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text, default="")
