"""The tables of datasets: the name, its versions, their files, and what a version was made from."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.datasets.states import VersionState
from domain.db import Base, Id, Ref

_STANDING = text("state <> 'deleted'")


class Dataset(Base):
    """A name under which versions collect. `versions` is their count, and so the number of the newest one."""

    __tablename__ = "dataset"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text)
    versions: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    archived_at: Mapped[datetime | None]


class DatasetVersion(Base):
    """Content that never changes; only what is known about it does (state, profile).

    Of a deleted version the row stays, and its number; its content may come again as another version. A foreign key to
    this table that cascades belongs to a part of the version; one that does not, to a user of it.
    """

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        Index(
            "uq_dataset_version_standing_digest", "dataset_id", "digest",
            unique=True, sqlite_where=_STANDING, postgresql_where=_STANDING,
        ),
    )  # fmt: skip

    id: Mapped[Id]
    dataset_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset.id", ondelete="CASCADE"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(40))
    format: Mapped[str] = mapped_column(String(20))
    state: Mapped[VersionState] = mapped_column(String(20), default=VersionState.REGISTERED)
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    files: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    # See `domain.datasets.storage`.
    stored_size: Mapped[int | None] = mapped_column(BigInteger)
    rows: Mapped[int | None] = mapped_column(BigInteger)
    profile: Mapped[dict[str, Any] | None] = mapped_column(deferred=True, deferred_raiseload=True)
    message: Mapped[str] = mapped_column(Text)
    source: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None] = mapped_column(String(200))

    dataset: Mapped[Dataset] = relationship(lazy="raise")


class DatasetFile(Base):
    """One file of a version."""

    __tablename__ = "dataset_file"

    version_id: Mapped[Ref] = mapped_column(ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(String(512), primary_key=True)
    md5: Mapped[str] = mapped_column(String(32), index=True)
    size: Mapped[int] = mapped_column(BigInteger)


class DatasetObject(Base):
    """An object that a DVC client pushed for the dataset: it exists there, and is kept, with or without a version.

    `digest` is an MD5, or that of a folder's listing with `.dir` behind it.
    """

    __tablename__ = "dataset_object"

    dataset_id: Mapped[Ref] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    pushed_at: Mapped[datetime]


class DatasetPin(Base):
    """Somebody wants this version kept, and says why."""

    __tablename__ = "dataset_pin"

    version_id: Mapped[Ref] = mapped_column(ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    pinned_at: Mapped[datetime]
    pinned_by: Mapped[str] = mapped_column(String(200))


class DatasetParent(Base):
    """`child_id` was built from the rows of `parent_id`."""

    __tablename__ = "dataset_parent"

    child_id: Mapped[Ref] = mapped_column(ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True)
    parent_id: Mapped[Ref] = mapped_column(
        ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class DatasetDiff(Base):
    """A comparison of two versions by a key (see `queries.key_digest`), kept because none of them ever changes."""

    __tablename__ = "dataset_diff"

    before_id: Mapped[Ref] = mapped_column(ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True)
    after_id: Mapped[Ref] = mapped_column(ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True)
    key_digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    diff: Mapped[dict[str, Any]]


class DatasetRecipe(Base):
    """One revision of the recipe a dataset is built by; none is ever changed. Without a recipe it was withdrawn."""

    __tablename__ = "dataset_recipe"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[Id]
    dataset_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset.id", ondelete="CASCADE"))
    number: Mapped[int]
    recipe: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class DatasetFollow(Base):
    """`dataset_id` is built anew when `followed_id` has a new validated version."""

    __tablename__ = "dataset_follow"

    dataset_id: Mapped[Ref] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True)
    followed_id: Mapped[Ref] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True, index=True)


class DatasetRecipePin(Base):
    """A version that the recipe of a dataset names by its number, and that has to stay for it."""

    __tablename__ = "dataset_recipe_pin"
    __table_args__ = (UniqueConstraint("dataset_id", "version_id"),)

    id: Mapped[Id]
    dataset_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset.id", ondelete="CASCADE"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset_version.id"), index=True)
