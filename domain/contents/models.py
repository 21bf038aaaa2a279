"""The tables of contents: which chunks a content is made of, and where in which pack a chunk lies."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id

_HAS_HEAD, _HAS_TAIL = text("head IS NOT NULL"), text("tail IS NOT NULL")


class Pack(Base):
    """An object of the data store that holds chunks, `packs/{id}`. It never changes; `size` is in bytes."""

    __tablename__ = "pack"

    id: Mapped[Id]
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class Chunk(Base):
    """Bytes by their BLAKE3, and where they are.

    `stored` bytes at `offset` of the pack are a frame, which may hold several small chunks; this one begins at `skip`
    of what the frame decodes to. A frame that is a difference needs `base`, a chunk that is not one itself. `head` and
    `tail` are fingerprints of the first and last bytes, by which a later version of the chunk finds this one.
    """

    __tablename__ = "chunk"
    __table_args__ = (
        Index("ix_chunk_head", "head", sqlite_where=_HAS_HEAD, postgresql_where=_HAS_HEAD),
        Index("ix_chunk_tail", "tail", sqlite_where=_HAS_TAIL, postgresql_where=_HAS_TAIL),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(36), ForeignKey("pack.id"), index=True)
    offset: Mapped[int] = mapped_column(BigInteger)
    stored: Mapped[int]
    encoding: Mapped[int] = mapped_column(SmallInteger)
    base: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    skip: Mapped[int]
    size: Mapped[int]
    head: Mapped[int | None] = mapped_column(BigInteger)
    tail: Mapped[int | None] = mapped_column(BigInteger)


class Content(Base):
    """A whole: `digest` is its MD5 in hex, with `.dir` behind it when it is DVC's listing of a folder.

    `recipe` names its chunks in order (`recipes.pack`), `tree` is the BLAKE3 of the recipe: equal bytes, equal tree.
    """

    __tablename__ = "content"

    digest: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    recipe: Mapped[bytes] = mapped_column(LargeBinary)
    tree: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
