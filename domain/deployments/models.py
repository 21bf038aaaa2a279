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
    # How champions take over here; null is blue-green.
    strategy: Mapped[dict[str, Any] | None]
    revision: Mapped[int] = mapped_column(default=0)
    live_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    # The other colour: the next version while it is prepared, the previous one after the switch.
    standby_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    # Set by a switch, cleared by a rollback: whether there is something to roll back to.
    can_roll_back: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Rollout(Base):
    """One version taking over an endpoint. `probe` keeps what the verification saw, `history` what happened when."""

    __tablename__ = "rollout"
    __table_args__ = (Index("ix_rollout_endpoint_id", "endpoint_id"), Index("ix_rollout_state", "state"))

    id: Mapped[Id]
    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    blue_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    promotion_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("promotion.id"))
    state: Mapped[RolloutState] = mapped_column(String(20), default=RolloutState.PREPARING)
    # Null is blue-green.
    strategy: Mapped[dict[str, Any] | None]
    # The step under way, from 0, and since when it is judged.
    step: Mapped[int] = mapped_column(default=0, server_default="0")
    step_began_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    probe: Mapped[dict[str, Any] | None]
    # The latest verdict with its findings, and the wrong answers that it knew of.
    analysis: Mapped[dict[str, Any] | None]
    quality: Mapped[dict[str, Any] | None]
    # What was known when: some tens of kilobytes, which nobody needs who looks four times a second.
    course: Mapped[list[Any]] = mapped_column(default=list, server_default="[]", deferred=True)
    history: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    started_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    # When it switched, or was given up.
    ended_at: Mapped[datetime | None]
    # Until then late labels may roll it back.
    watched_until: Mapped[datetime | None]
