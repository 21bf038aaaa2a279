"""The promotion table. Evidence and decision are written once and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.promotions.states import PromotionState


class Promotion(Base):
    """One request to make `version_id` champion, with the policy it was judged by."""

    __tablename__ = "promotion"
    __table_args__ = (Index("ix_promotion_model_id", "model_id"), Index("ix_promotion_version_id", "version_id"))

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    champion_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    state: Mapped[PromotionState] = mapped_column(String(20), default=PromotionState.REQUESTED)
    policy: Mapped[dict[str, Any]]
    policy_version: Mapped[int]
    evidence: Mapped[dict[str, Any] | None]
    decision: Mapped[dict[str, Any] | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    requested_by: Mapped[str] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    approver: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
