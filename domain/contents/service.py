"""Verbs of contents: record what has been packed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import batched
from domain.db import Base, WriteSession
from domain.errors import Unavailable

Row = Mapping[str, Any]


class ChunksGone(Unavailable):
    """Chunks that were in the store when the bytes arrived have been deleted since: send the bytes again."""

    code = "chunks_gone"


def record(
    session: WriteSession,
    *,
    packs: Sequence[Row] = (),
    chunks: Sequence[Row] = (),
    contents: Sequence[Row] = (),
    relied_on: Collection[bytes] = (),
    again: Collection[str] = (),
) -> None:
    """Keep where packed chunks lie and what contents are made of; what is known already stays as it is, but is young.

    Rows are the columns of `Pack`, `Chunk` and `Content`, without their times. `relied_on` are chunks that the
    contents or the differences use and the packs do not hold, `again` contents that a sender knew to be here. Raises
    `ChunksGone` when one of those is gone.
    """
    now = session.now()
    _insert(session, Pack, [{**row, "created_at": now} for row in packs])
    _insert(session, Chunk, chunks)
    for some in batched(relied_on):
        # Shared with other writers, not with a collection that is about to delete them.
        standing = select(Chunk.digest).where(Chunk.digest.in_(some)).with_for_update(read=True, key_share=True)
        if len(set(session.scalars(standing))) < len(set(some)):
            raise ChunksGone("Parts of these bytes were deleted from the store meanwhile.", fix="Send them again.")
    _insert(session, Content, [{**row, "created_at": now} for row in contents])
    for known in batched(again):
        found = session.execute(update(Content).where(Content.digest.in_(known)).values(created_at=now))
        if cast("CursorResult[Any]", found).rowcount < len(known):
            raise ChunksGone("Contents were deleted from the store meanwhile.", fix="Send them again.")


def _insert(session: WriteSession, model: type[Base], rows: Sequence[Row]) -> None:
    """Rows whose key is new, in the order of keys, so that two writers never wait for each other crosswise."""
    if not rows:
        return
    key = "id" if model is Pack else "digest"
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(cast("Table", model.__table__))
    if model is Content:  # what arrives again is young again, and not collected before somebody refers to it
        statement = statement.on_conflict_do_update(
            index_elements=["digest"], set_={"created_at": statement.excluded.created_at}
        )
    else:
        statement = statement.on_conflict_do_nothing()
    # By the connection: through the mapping the same rows take twice as long.
    session.connection().execute(statement, sorted(rows, key=lambda row: row[key]))
