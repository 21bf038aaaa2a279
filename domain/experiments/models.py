"""The tables of experiments and runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.experiments.states import RunState


class Experiment(Base):
    """A name under which runs collect."""

    __tablename__ = "experiment"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class Run(Base):
    """One training. What was asked is known from the start; what it came to is written once, when it finishes."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_experiment_id", "experiment_id"),
        Index("ix_run_dataset_version_id", "dataset_version_id"),
        Index("ix_run_state", "state"),
        Index("ix_run_sweep_id", "sweep_id"),
    )

    id: Mapped[Id]
    experiment_id: Mapped[str] = mapped_column(String(36), ForeignKey("experiment.id"))
    state: Mapped[RunState] = mapped_column(String(20), default=RunState.PENDING)
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    # Who asked for it, where that was neither a person nor a pipeline: the sweep, or the run that this one repeats.
    sweep_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("sweep.id"))
    reproduces: Mapped[str | None] = mapped_column(String(36), ForeignKey("run.id"))

    spec: Mapped[dict[str, Any]]
    trainer: Mapped[str] = mapped_column(String(100))
    params: Mapped[dict[str, Any]]
    seed: Mapped[int]
    dataset_version_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset_version.id"))
    dataset_digest: Mapped[str] = mapped_column(String(40))
    code_commit: Mapped[str | None] = mapped_column(String(64))

    # Empty until the run has finished; whoever comes by way of a model version finds them all.
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    importances: Mapped[dict[str, Any]] = mapped_column(default=dict)
    environment: Mapped[dict[str, Any]] = mapped_column(default=dict)
    environment_digest: Mapped[str] = mapped_column(String(64), default="")
    mlflow_run_id: Mapped[str] = mapped_column(String(64), default="")
    mlflow_model_uri: Mapped[str | None] = mapped_column(String(500))
    package: Mapped[dict[str, Any]] = mapped_column(default=dict)
    package_digest: Mapped[str] = mapped_column(String(64), default="")
    train_rows_md5: Mapped[str] = mapped_column(String(32), default="")
    train_inputs_md5: Mapped[str] = mapped_column(String(32), default="", server_default="")
    test_rows_md5: Mapped[str] = mapped_column(String(32), default="")
    reference_md5: Mapped[str] = mapped_column(String(32), default="")
    notes: Mapped[list[Any]] = mapped_column(default=list)
    curve: Mapped[list[Any]] = mapped_column(default=list)
    # Null for runs that were not profiled.
    profile_html_md5: Mapped[str | None] = mapped_column(String(32))
    profile_speedscope_md5: Mapped[str | None] = mapped_column(String(32))
    profile_text_md5: Mapped[str | None] = mapped_column(String(32))

    reason: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
