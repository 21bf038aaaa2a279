"""The tables of contents: which chunks a content is made of, and where in which pack a chunk lies."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id

_HAS_BASE, _IS_CONDEMNED = text("base IS NOT NULL"), text("condemned IS NOT NULL")
_HAS_HEAD, _HAS_TAIL = text("head IS NOT NULL"), text("tail IS NOT NULL")


class Pack(Base):
    """An object of the data store that holds chunks, `packs/{id}`. It never changes; sizes are in bytes.

    `payload` is what its frames come to without the directory. A loose pack holds chunks as they arrived, which are
    still to be compressed: nothing is a difference from what is in it. A retired pack holds nothing that is named in
    the index: its bytes stay for a moment, for readers that looked a chunk up before it moved.
    """

    __tablename__ = "pack"

    id: Mapped[Id]
    size: Mapped[int] = mapped_column(BigInteger)
    payload: Mapped[int] = mapped_column(BigInteger)
    loose: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Chunk(Base):
    """Bytes by their BLAKE3, and where they are.

    `stored` bytes at `offset` of the pack are a frame, which may hold several small chunks; this one begins at `skip`
    of what the frame decodes to. A frame that is a difference needs `base`, a chunk that is not one itself. `head` and
    `tail` are fingerprints of the first and last bytes, by which a later version of the chunk finds this one.
    `condemned` is the plan of a collection that is about to take the chunk; whoever comes to need it clears that.
    """

    __tablename__ = "chunk"
    __table_args__ = (
        Index("ix_chunk_head", "head", sqlite_where=_HAS_HEAD, postgresql_where=_HAS_HEAD),
        Index("ix_chunk_base", "base", sqlite_where=_HAS_BASE, postgresql_where=_HAS_BASE),
        Index("ix_chunk_condemned", "condemned", sqlite_where=_IS_CONDEMNED, postgresql_where=_IS_CONDEMNED),
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
    condemned: Mapped[str | None] = mapped_column(String(36))


class Content(Base):
    """A whole: `digest` is its MD5 in hex, with `.dir` behind it when it is DVC's listing of a folder.

    `recipe` names its chunks in order (`recipes.pack`), `tree` is the BLAKE3 of the recipe: equal bytes, equal tree.
    `needed_at` is when it last arrived, or was last made part of something: what is young is never collected.
    """

    __tablename__ = "content"

    digest: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    recipe: Mapped[bytes] = mapped_column(LargeBinary)
    tree: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    created_at: Mapped[datetime]
    needed_at: Mapped[datetime] = mapped_column(index=True)
