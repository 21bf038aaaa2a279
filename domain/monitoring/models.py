"""Monitors, windows, ground truth, alerts, and counts of all requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.monitoring.alerts import AlertKind, AlertState
from domain.monitoring.windows import WindowState, WindowVerdict


class Monitor(Base):
    """How an endpoint is watched, and when it may retrain by itself."""

    __tablename__ = "monitor"

    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"), primary_key=True)
    policy: Mapped[dict[str, Any]]
    governor: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]


class MonitoringWindow(Base):
    """A span of recorded predictions, compared with the training reference of `version_id`."""

    __tablename__ = "monitoring_window"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "first_id"),
        Index("ix_monitoring_window_last_id", "endpoint_id", "last_id"),
    )

    id: Mapped[Id]
    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"))
    version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    state: Mapped[WindowState] = mapped_column(String(20), default=WindowState.OPEN)
    verdict: Mapped[WindowVerdict | None] = mapped_column(String(20))
    segments: Mapped[list[Any]]
    first_id: Mapped[str] = mapped_column(String(36))
    last_id: Mapped[str] = mapped_column(String(36))
    rows: Mapped[int]
    drift: Mapped[dict[str, Any] | None]
    performance: Mapped[dict[str, Any] | None]
    # `Distribution` of each feature, to be drawn.
    distributions: Mapped[list[Any] | None] = mapped_column(deferred=True)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class GroundTruth(Base):
    """What turned out to be true for one prediction. Posted again, the later value counts."""

    __tablename__ = "ground_truth"

    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"), primary_key=True)
    prediction_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    value: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Alert(Base):
    """Something wrong with an endpoint, or with a model's gates. One open alert per kind: more findings update it."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("ix_alert_state", "state"),
        Index("ix_alert_endpoint_id", "endpoint_id"),
        Index("ix_alert_model_id", "model_id"),
    )

    id: Mapped[Id]
    # The endpoint with the window that showed it, or the model whose gates let something through.
    endpoint_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("endpoint.id"))
    model_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("registered_model.id"))
    kind: Mapped[AlertKind] = mapped_column(String(20))
    severity: Mapped[str] = mapped_column(String(10))
    state: Mapped[AlertState] = mapped_column(String(20), default=AlertState.OPEN)
    reason: Mapped[str] = mapped_column(Text)
    next_step: Mapped[str] = mapped_column(Text)
    window_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("monitoring_window.id"))
    occurrences: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    acknowledged_by: Mapped[str | None] = mapped_column(String(200))
    acknowledged_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    resolved_by: Mapped[str | None] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None]


class EndpointTraffic(Base):
    """What a version did with the requests of ten seconds, added up over the serving processes."""

    __tablename__ = "endpoint_traffic"
    __table_args__ = (Index("ix_endpoint_traffic_started_at", "started_at"),)

    endpoint_id: Mapped[str] = mapped_column(String(36), ForeignKey("endpoint.id"), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    # 0 for what was refused before a version was drawn.
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    answered: Mapped[int]
    rows: Mapped[int]
    # Answers by their place among `TRAFFIC_EDGES`; errors by code, with their status and how many.
    latency: Mapped[dict[str, Any]]
    errors: Mapped[dict[str, Any]]


class TrafficSource(Base):
    """A serving process that reports traffic: which of its reports was counted last, and until when that one goes."""

    __tablename__ = "traffic_source"

    instance: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int]
    counted_until: Mapped[datetime]
    left: Mapped[bool]
