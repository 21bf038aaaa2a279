"""The tables of the registry: models, their versions, the aliases on them, and what others did to the mirror."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.registry.specs import Flavor, OutsideKind, OutsidePolicy, Task
from domain.registry.states import VersionState


class RegisteredModel(Base):
    """A name under which versions collect. `versions` is their count, and so the number of the newest one.

    `policy` is a `domain.promotions.specs.Policy` as JSON; `policy_version` grows with every change of it, `revision`
    with every change of what people write about the model. `outside_changes` says what becomes of a change that
    somebody made to its mirror in MLflow.
    """

    __tablename__ = "registered_model"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    task: Mapped[Task] = mapped_column(String(30))
    target: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    intended_use: Mapped[str] = mapped_column(Text, default="", server_default="")
    limits: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    outside_changes: Mapped[OutsidePolicy] = mapped_column(String(10), default="revert", server_default="revert")
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    policy: Mapped[dict[str, Any]]
    policy_version: Mapped[int] = mapped_column(default=1)
    versions: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class ModelVersion(Base):
    """A finished run as a version of a model; its metrics are those of the run."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("model_id", "number"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    number: Mapped[int]
    state: Mapped[VersionState] = mapped_column(String(20), default=VersionState.REGISTERED)
    run_id: Mapped[str] = mapped_column(String(36), ForeignKey("run.id"), unique=True)
    package_digest: Mapped[str] = mapped_column(String(64))
    flavor: Mapped[Flavor] = mapped_column(String(20))
    metrics: Mapped[dict[str, Any]]
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class ModelAlias(Base):
    """A name for one version of a model at a time. `revision` counts how often it has moved."""

    __tablename__ = "model_alias"
    __table_args__ = (UniqueConstraint("model_id", "alias"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    alias: Mapped[str] = mapped_column(String(50))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    revision: Mapped[int] = mapped_column(default=1)
    moved_at: Mapped[datetime]
    moved_by: Mapped[str] = mapped_column(String(200))


class OutsideChange(Base):
    """Something that MLflow's registry has and we did not order: an alias elsewhere, a version too many or missing.

    `found` is MLflow's number of the version, `number` ours where it has one, `expected` ours as it should be. Open
    until the difference is gone; a person may acknowledge it before.
    """

    __tablename__ = "outside_change"
    __table_args__ = (Index("ix_outside_change_model_id", "model_id"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    kind: Mapped[OutsideKind] = mapped_column(String(20))
    alias: Mapped[str | None] = mapped_column(String(50))
    found: Mapped[str | None] = mapped_column(String(20))
    number: Mapped[int | None]
    expected: Mapped[int | None]
    policy: Mapped[OutsidePolicy] = mapped_column(String(10))
    who: Mapped[str | None] = mapped_column(String(200))
    changed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None]
