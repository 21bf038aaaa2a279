"""What datasets take in the store, beside what their files come to.

What a version added (`stored_size`) is measured once, by a worker, when all that has arrived is compressed: the bytes
of the frames that hold a chunk which this version has and the version before it in the dataset has not. For a first
version that is all of it, even where another dataset has the same chunks. It stays when the version before is deleted.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute

from domain.contents import recipes
from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import batched, places_of, recipes_of
from domain.datasets.models import Dataset, DatasetFile, DatasetVersion
from domain.datasets.states import VersionState
from domain.db import AnySession, WriteSession

_STANDING = DatasetVersion.state != VersionState.DELETED


class StoreSizes(NamedTuple):
    """Bytes, from what people see down to what is kept; `loose` and `retired` are parts of what is kept.

    `logical_bytes`: the files of all versions. `content_bytes`: each file that is the same once. `chunk_bytes`: each
    piece of files that is the same once. `stored_bytes`: the packs, compressed. `loose_bytes` are yet to be compressed,
    `retired_bytes` about to be deleted.
    """

    versions: int
    logical_bytes: int
    contents: int
    content_bytes: int
    chunks: int
    chunk_bytes: int
    packs: int
    stored_bytes: int
    loose_bytes: int
    retired_bytes: int


class DatasetSizes(NamedTuple):
    """`stored_bytes` is what the measured versions added; `unmeasured` says how many others there are."""

    dataset: str
    versions: int
    logical_bytes: int
    stored_bytes: int
    unmeasured: int


def store_sizes(session: AnySession) -> StoreSizes:
    """The whole store. Reads one column of every chunk: a second for some millions of them."""

    def total(column: InstrumentedAttribute[int], *where: ColumnElement[bool]) -> ScalarSelect[int]:
        return select(func.sum(column)).where(*where).scalar_subquery()

    def count(column: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> ScalarSelect[int]:
        return select(func.count(column)).where(*where).scalar_subquery()

    row = session.execute(
        select(
            count(DatasetVersion.id, _STANDING),
            total(DatasetVersion.size, _STANDING),
            count(Content.digest),
            total(Content.size),
            count(Chunk.digest),
            total(Chunk.size),
            count(Pack.id),
            total(Pack.size),
            total(Pack.size, Pack.loose.is_(True), Pack.retired_at.is_(None)),
            total(Pack.size, Pack.retired_at.is_not(None)),
        )
    ).one()
    return StoreSizes(*(int(one or 0) for one in row))


def dataset_sizes(session: AnySession, *, limit: int = 100) -> list[DatasetSizes]:
    """The datasets with the most bytes, the largest first."""
    size = func.sum(DatasetVersion.size)
    stored = func.coalesce(func.sum(DatasetVersion.stored_size), 0)
    query = select(Dataset.name, func.count(), size, stored, func.count() - func.count(DatasetVersion.stored_size))
    query = query.join(DatasetVersion, DatasetVersion.dataset_id == Dataset.id).where(_STANDING)
    rows = session.execute(query.group_by(Dataset.name).order_by(size.desc(), Dataset.name).limit(limit))
    return [DatasetSizes(name, *(int(one or 0) for one in numbers)) for name, *numbers in rows]


def unmeasured(session: AnySession, *, limit: int) -> list[str]:
    """Versions that are yet to be measured, oldest first; none while anything is still to be compressed."""
    loose = select(Pack.id).where(Pack.loose.is_(True), Pack.retired_at.is_(None)).limit(1)
    if session.scalar(loose) is not None:
        return []
    query = select(DatasetVersion.id).where(DatasetVersion.stored_size.is_(None), _STANDING)
    return list(session.scalars(query.order_by(DatasetVersion.id).limit(limit)))


def measure(session: AnySession, version_id: str) -> int:
    """What the version added, in bytes, as its chunks lie now."""
    version = session.get_one(DatasetVersion, version_id)
    before = session.scalar(
        select(DatasetVersion.id)
        .where(DatasetVersion.dataset_id == version.dataset_id, DatasetVersion.number < version.number, _STANDING)
        .order_by(DatasetVersion.number.desc())
        .limit(1)
    )
    mine, theirs = _contents(session, version_id), _contents(session, before) if before else set()
    if mine <= theirs:
        return 0
    added = _chunks(session, mine - theirs) - _chunks(session, theirs)
    places = places_of(session, added)
    frames = {(place.pack_id, place.offset): place.stored for digest, place in places.items() if digest in added}
    return sum(frames.values())


def keep_measure(session: WriteSession, *, version_id: str, stored_size: int) -> None:
    session.get_one(DatasetVersion, version_id).stored_size = stored_size


def _contents(session: AnySession, version_id: str) -> set[str]:
    return set(session.scalars(select(DatasetFile.md5).where(DatasetFile.version_id == version_id)))


def _chunks(session: AnySession, contents: Iterable[str]) -> set[bytes]:
    found: set[bytes] = set()
    for some in batched(contents):
        for recipe in recipes_of(session, some).values():
            found.update(recipes.digests(recipe))
    return found
