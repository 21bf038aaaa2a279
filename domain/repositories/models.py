"""The tables of repositories: what is followed, how far it was read, the code seen, and the pointers that wait."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id, Ref


class Repository(Base):
    """A repository that is followed. `key` is the same for all ways to write its address.

    `secret` is what a forge signs its deliveries with: it has to be known to verify them, and is loaded for that alone.
    `sync_job_id` is the newest sync; `wanted` asks for one more after it.
    """

    __tablename__ = "repository"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    address: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(String(1000), unique=True)
    branches: Mapped[list[Any]]
    default_branch: Mapped[str | None] = mapped_column(String(250))
    pointers: Mapped[dict[str, Any]]
    secret: Mapped[str] = mapped_column(String(200), deferred=True, deferred_raiseload=True)
    revision: Mapped[int] = mapped_column(default=1)
    sync_job_id: Mapped[str | None] = mapped_column(String(36), index=True)
    wanted: Mapped[bool] = mapped_column(default=False)
    rescan: Mapped[bool] = mapped_column(default=False)
    expected: Mapped[list[Any]] = mapped_column(default=list)
    report: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    synced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class RepositoryBranch(Base):
    """How far a branch has been read: up to and with `commit`. A branch that is gone keeps its row."""

    __tablename__ = "repository_branch"

    repository_id: Mapped[Ref] = mapped_column(ForeignKey("repository.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    commit: Mapped[str] = mapped_column(String(64))
    read_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class CodeVersion(Base):
    """A commit of a followed branch that changed code. `announced` once an event has told of it."""

    __tablename__ = "code_version"
    __table_args__ = (UniqueConstraint("repository_id", "branch", "commit"),)

    id: Mapped[Id]
    repository_id: Mapped[str] = mapped_column(String(36), ForeignKey("repository.id", ondelete="CASCADE"))
    branch: Mapped[str] = mapped_column(String(250))
    commit: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text)
    changed: Mapped[int]
    paths: Mapped[list[Any]]
    announced: Mapped[bool] = mapped_column(default=False)
    committed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class WaitingPointer(Base):
    """A pointer in a commit whose objects are not all in the store. `missing` is one of those that are not."""

    __tablename__ = "waiting_pointer"
    __table_args__ = (UniqueConstraint("repository_id", "branch", "path", "commit"),)

    id: Mapped[Id]
    repository_id: Mapped[str] = mapped_column(String(36), ForeignKey("repository.id", ondelete="CASCADE"))
    branch: Mapped[str] = mapped_column(String(250))
    path: Mapped[str] = mapped_column(String(512))
    commit: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text)
    committed_at: Mapped[datetime]
    dataset: Mapped[str] = mapped_column(String(100))
    md5: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    missing: Mapped[str] = mapped_column(String(40))
    missing_count: Mapped[int]
    since: Mapped[datetime]
    look_at: Mapped[datetime] = mapped_column(index=True)


class HookDelivery(Base):
    """A delivery that was taken, so that it is not taken twice. `body` is the SHA-256 of a body that was signed."""

    __tablename__ = "hook_delivery"
    __table_args__ = (UniqueConstraint("repository_id", "delivery"), UniqueConstraint("repository_id", "body"))

    id: Mapped[Id]
    repository_id: Mapped[str] = mapped_column(String(36), ForeignKey("repository.id", ondelete="CASCADE"))
    delivery: Mapped[str] = mapped_column(String(200))
    body: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(index=True)
