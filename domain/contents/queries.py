"""Reads of contents: what is known, where it lies, and which chunk resembles another."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import select

from domain.contents.models import Chunk, Content, Pack
from domain.db import AnySession

T = TypeVar("T")

_AT_ONCE = 1_000
"""Values in one IN list: SQLite takes 32,766 and Postgres 65,535; the time per value is flat from here on."""


class Place(NamedTuple):
    """Where a chunk lies, as the columns of `Chunk` say."""

    digest: bytes
    pack_id: str
    offset: int
    stored: int
    encoding: int
    base: bytes | None
    skip: int
    size: int


def batched(values: Iterable[T], size: int = _AT_ONCE) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def known_chunks(session: AnySession, digests: Collection[bytes]) -> set[bytes]:
    """Those of the chunks that are in a pack."""
    found: set[bytes] = set()
    for some in batched(digests):
        found.update(session.scalars(select(Chunk.digest).where(Chunk.digest.in_(some))))
    return found


def places_of(session: AnySession, digests: Collection[bytes]) -> dict[bytes, Place]:
    """Where these chunks lie, and the chunks they are differences of."""
    found = _places(session, digests)
    bases = {place.base for place in found.values() if place.base is not None}
    return found | _places(session, bases - found.keys())


def chunks_like(session: AnySession, heads: Collection[int], tails: Collection[int]) -> dict[int, bytes]:
    """Chunks by the fingerprint of their head or tail: what a chunk with that fingerprint may be a difference of.

    None that lies in a loose pack: it may itself become a difference yet.
    """
    found: dict[int, bytes] = {}
    for column, wanted in ((Chunk.tail, tails), (Chunk.head, heads)):
        for some in batched(wanted):
            query = select(column, Chunk.digest, Chunk.base).join(Pack).where(Pack.loose.is_(False))
            rows = session.execute(query.where(column.in_(some)))
            # A difference of a difference would make reading a walk: it is taken from what that one is based on.
            found.update((mark, base or digest) for mark, digest, base in rows if mark is not None)
    return found


def find_content(session: AnySession, digest: str) -> Content | None:
    return session.get(Content, digest)


def sizes_of(session: AnySession, digests: Collection[str]) -> dict[str, int]:
    """The size in bytes of each of these contents that is known."""
    found: dict[str, int] = {}
    for some in batched(digests):
        rows = session.execute(select(Content.digest, Content.size).where(Content.digest.in_(some)))
        found.update((digest, size) for digest, size in rows)
    return found


def recipes_of(session: AnySession, digests: Sequence[str]) -> dict[str, bytes]:
    """The recipe of each of these contents that is known."""
    found: dict[str, bytes] = {}
    for some in batched(digests):
        rows = session.execute(select(Content.digest, Content.recipe).where(Content.digest.in_(some)))
        found.update((digest, recipe) for digest, recipe in rows)
    return found


def contents_by_tree(session: AnySession, trees: Collection[bytes]) -> dict[bytes, str]:
    """The digest of the (plain) content that is made of just these chunks, by the BLAKE3 of its recipe."""
    found: dict[bytes, str] = {}
    for some in batched(trees):
        rows = session.execute(select(Content.tree, Content.digest).where(Content.tree.in_(some)))
        found.update((tree, digest) for tree, digest in rows if not digest.endswith(".dir"))
    return found


def _places(session: AnySession, digests: Collection[bytes]) -> dict[bytes, Place]:
    columns = (
        Chunk.digest, Chunk.pack_id, Chunk.offset, Chunk.stored, Chunk.encoding, Chunk.base, Chunk.skip, Chunk.size,
    )  # fmt: skip
    found: dict[bytes, Place] = {}
    for some in batched(digests):
        for row in session.execute(select(*columns).where(Chunk.digest.in_(some))):
            found[row[0]] = Place(*row)
    return found
