"""The tables of sweeps and their trials."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id, Ref
from domain.sweeps.states import SweepState


class Sweep(Base):
    """A `SweepSpec` whose data is pinned. `best` is the number of the best trial so far, `best_value` its metric."""

    __tablename__ = "sweep"
    __table_args__ = (Index("ix_sweep_experiment_id", "experiment_id"),)

    id: Mapped[Id]
    experiment_id: Mapped[str] = mapped_column(String(36), ForeignKey("experiment.id"))
    state: Mapped[SweepState] = mapped_column(String(20), default=SweepState.RUNNING)
    reason: Mapped[str] = mapped_column(Text, default="")
    spec: Mapped[dict[str, Any]]
    trials: Mapped[int]
    best: Mapped[int | None]
    best_value: Mapped[float | None]
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SweepTrial(Base):
    """One point of the space, and its run once it has had its turn; or why it was refused."""

    __tablename__ = "sweep_trial"
    __table_args__ = (UniqueConstraint("run_id"),)

    sweep_id: Mapped[Ref] = mapped_column(ForeignKey("sweep.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    params: Mapped[dict[str, Any]]
    run_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("run.id"))
    refused: Mapped[str | None] = mapped_column(Text)
