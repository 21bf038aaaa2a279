"""The tables of the registry: models, their versions, and the aliases on them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.registry.specs import Flavor, Task
from domain.registry.states import VersionState


class RegisteredModel(Base):
    """A name under which versions collect. `versions` is their count, and so the number of the newest one.

    `policy` is a `domain.promotions.specs.Policy` as JSON; `policy_version` grows with every change of it.
    """

    __tablename__ = "registered_model"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    task: Mapped[Task] = mapped_column(String(30))
    target: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
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
