"""Verbs of contents: record what has been packed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Table, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import batched
from domain.db import Base, WriteSession, insert_many
from domain.errors import Unavailable

Row = Mapping[str, Any]


class ChunksGone(Unavailable):
    """Chunks that were in the store when the bytes arrived have been deleted since: send the bytes again."""

    code = "chunks_gone"


class ContentsGone(Unavailable):
    """Contents that were in the store have been deleted before anything came to need them: send them again."""

    code = "contents_gone"


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
    `ChunksGone` when one of those is gone; one that a collection is about to take is needed again, and stays.
    """
    now = session.now()
    _insert(session, Pack, [{**row, "created_at": now} for row in packs])
    _insert(session, Chunk, chunks)
    for some in batched(relied_on):
        _rely_on(session, some)
    _insert(session, Content, [{**row, "created_at": now, "needed_at": now} for row in contents])
    for known in batched(again):
        found = session.execute(update(Content).where(Content.digest.in_(known)).values(needed_at=now))
        if cast("CursorResult[Any]", found).rowcount < len(known):
            raise ContentsGone("Contents were deleted from the store meanwhile.", where="body", fix="Send them again.")


def hold(session: WriteSession, digests: Collection[str]) -> None:
    """Keep these contents from being collected until the end of the transaction, which makes them part of something.

    Raises `ContentsGone` when one is no longer there.
    """
    for some in batched(sorted(set(digests))):
        standing = select(Content.digest).where(Content.digest.in_(some)).with_for_update(read=True, key_share=True)
        gone = sorted(set(some) - set(session.scalars(standing)))
        if gone:
            raise ContentsGone(f"The store no longer has the content {gone[0]}.", where=gone[0], fix="Send it again.")


def _rely_on(session: WriteSession, digests: Sequence[bytes]) -> None:
    """Lock the chunks, shared with other writers but not with a collection, and take condemned ones back."""
    pardon = update(Chunk).where(Chunk.digest.in_(digests), Chunk.condemned.is_not(None)).values(condemned=None)
    if session.scalar(select(Chunk.digest).where(Chunk.condemned.is_not(None)).limit(1)) is not None:
        session.execute(pardon)  # before they are shared: two writers that did this with a share would wait crosswise
    standing = select(Chunk.digest, Chunk.condemned).where(Chunk.digest.in_(digests)).order_by(Chunk.digest)
    rows = session.execute(standing.with_for_update(read=True)).all()
    if len(rows) < len(set(digests)):
        raise ChunksGone("Parts of these bytes were deleted from the store meanwhile.", fix="Send them again.")
    if any(row.condemned for row in rows):  # condemned since the look above
        session.execute(pardon)


def _insert(session: WriteSession, model: type[Base], rows: Sequence[Row]) -> None:
    """Rows whose key is new, in the order of keys, so that two writers never wait for each other crosswise.

    What is there already is needed again: a condemned chunk is pardoned, a content is young again.
    """
    if not rows:
        return
    key = "id" if model is Pack else "digest"
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(cast("Table", model.__table__))
    if model is Chunk:
        statement = statement.on_conflict_do_update(
            index_elements=[key], set_={"condemned": null()}, where=Chunk.condemned.is_not(None)
        )
    elif model is Content:
        statement = statement.on_conflict_do_update(
            index_elements=[key], set_={"needed_at": statement.excluded.needed_at}
        )
    else:
        statement = statement.on_conflict_do_nothing()
    insert_many(session, statement, sorted(rows, key=lambda row: row[key]))
