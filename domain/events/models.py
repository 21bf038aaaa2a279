"""The event table. Rows are appended once, in commit order, and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Sequence


class EventRow(Base):
    __tablename__ = "event"
    __table_args__ = (Index("ix_event_type", "type"), Index("ix_event_subject", "subject"))

    seq: Mapped[Sequence]
    type: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(400))
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(36))
