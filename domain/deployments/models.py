"""Endpoints and rollouts."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.deployments.rollout import RolloutState


class Endpoint(Base):
    """A name that answers predictions. `revision` grows with every change of what serving reads."""

    __tablename__ = "endpoint"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    settings: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)
    live_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    # The other colour: the next version while it is prepared, the previous one after the switch.
    standby_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    # Set by a switch, cleared by a rollback: whether there is something to roll back to.
    can_roll_back: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Rollout(Base):
    """One version taking over an endpoint. `probe` keeps what the verification saw."""

    __tablename__ = "rollout"
    __table_args__ = (Index("ix_rollout_endpoint_id", "endpoint_id"),)

    id: Mapped[Id]
    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    blue_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    promotion_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("promotion.id"))
    state: Mapped[RolloutState] = mapped_column(String(20), default=RolloutState.PREPARING)
    reason: Mapped[str] = mapped_column(Text, default="")
    probe: Mapped[dict[str, Any] | None]
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    started_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
