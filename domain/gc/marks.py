"""Which chunks nothing is made of: the index walked against the recipes of all contents that stay.

Memory holds the chunks of one part of the index at a time, and those that turn out dead (about 100 bytes each).
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from domain.contents import recipes
from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import batched
from domain.db import AnySession
from domain.gc.reach import DEAD_SHARE, Fate, drop_bases, drop_reached, fate_of

_AT_ONCE = 2_000_000
"""Chunks of the index that are held in memory together."""
_ROWS = 100


@dataclass(frozen=True)
class PackFacts:
    """A pack and what of it is dead; sizes in bytes."""

    pack_id: str
    size: int
    chunks: int
    dead_chunks: int
    dead_bytes: int
    fate: Fate


def dead_chunks(
    session: AnySession,
    *,
    before: datetime,
    going: Collection[str] = frozenset(),
    told: Callable[[float], None] = lambda _: None,
    at_once: int = _AT_ONCE,
) -> set[bytes]:
    """Chunks of packs written before then that no content is made of, when the contents `going` are gone."""
    total = session.scalar(select(func.count()).select_from(Chunk)) or 0
    parts = min(256, -(-total // at_once))
    dead: set[bytes] = set()
    for part in range(parts):
        # First the chunks, then the recipes: a content that comes between the two is seen.
        candidates = set(session.scalars(_chunks_between(part, parts).join(Pack).where(Pack.created_at < before)))
        drop_reached(candidates, (recipes.digests(recipe) for recipe in _recipes(session, going)))
        dead |= candidates
        told((part + 1) / parts)
    drop_bases(dead, _differences(session))
    return dead


def reached(session: AnySession, condemned: set[bytes]) -> set[bytes]:
    """Those of the chunks that a content is made of after all, or that another chunk which stays needs."""
    left = set(condemned)
    drop_reached(left, (recipes.digests(recipe) for recipe in _recipes(session, ())))
    drop_bases(left, _differences(session))
    return condemned - left


def differences_of(session: AnySession, chunks: set[bytes]) -> set[bytes]:
    """Those of the chunks that are differences."""
    return {chunk for chunk, _ in _differences(session) if chunk in chunks}


def packs_with(session: AnySession, dead: set[bytes], *, before: datetime) -> Iterator[PackFacts]:
    """Every pack that holds some of these chunks, or much that nothing names any more, in the order of ids."""
    affected = set(session.scalars(_wasteful(before)))
    for some in batched(sorted(dead)):
        affected.update(session.scalars(select(Chunk.pack_id).where(Chunk.digest.in_(some)).distinct()))
    for pack_id in sorted(affected):
        pack = session.get(Pack, pack_id)
        if pack is not None:
            yield facts_of(session, pack, dead)


def facts_of(session: AnySession, pack: Pack, dead: Collection[bytes] = frozenset()) -> PackFacts:
    """What is in use of a pack when these chunks are gone. A frame is dead when nothing of it is left."""
    live: dict[int, int] = {}
    chunks = dead_here = 0
    for digest, offset, stored in session.execute(
        select(Chunk.digest, Chunk.offset, Chunk.stored).where(Chunk.pack_id == pack.id)
    ):
        chunks += 1
        if digest in dead:
            dead_here += 1
        else:
            live[offset] = stored
    living = sum(live.values())
    fate = fate_of(payload=pack.payload, live=living)
    return PackFacts(pack.id, pack.size, chunks, dead_here, pack.payload - living, fate)


def _wasteful(before: datetime) -> Select[str]:
    """Packs of which little is in use: of two writers of the same bytes at the same time, one wrote in vain."""
    frames = select(Chunk.pack_id, Chunk.offset, Chunk.stored).distinct().subquery()
    live = select(frames.c.pack_id, func.sum(frames.c.stored).label("bytes")).group_by(frames.c.pack_id).subquery()
    return (
        select(Pack.id)
        .outerjoin(live, live.c.pack_id == Pack.id)
        .where(
            Pack.created_at < before,
            Pack.retired_at.is_(None),
            func.coalesce(live.c.bytes, 0) < (1 - DEAD_SHARE) * Pack.payload,
        )
    )


def _chunks_between(part: int, parts: int) -> Select[bytes]:
    low, high = 256 * part // parts, 256 * (part + 1) // parts
    query = select(Chunk.digest).where(Chunk.digest >= bytes([low]))
    return query if high == 256 else query.where(Chunk.digest < bytes([high]))


def _recipes(session: AnySession, going: Collection[str]) -> Iterator[bytes]:
    rows = session.execute(select(Content.digest, Content.recipe).execution_options(yield_per=_ROWS))
    return (recipe for digest, recipe in rows if digest not in going)


def _differences(session: AnySession) -> Iterator[tuple[bytes, bytes]]:
    query = select(Chunk.digest, Chunk.base).where(Chunk.base.is_not(None)).execution_options(yield_per=10_000)
    return ((chunk, base) for chunk, base in session.execute(query) if base is not None)
