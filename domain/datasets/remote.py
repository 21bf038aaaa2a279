"""What DVC clients push: objects of a dataset, before and beside its versions; and versions from pointers.

An object exists in a dataset when it was pushed to it, or when one of its versions has it; nowhere else.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import CursorResult, Row, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.access.actor import Actor
from domain.access.models import Token
from domain.access.service import HOLDER, holder
from domain.access.service import digest as hashed
from domain.datasets.dvc import Listed, Pointer
from domain.datasets.manifest import ManifestEntry, directory_listing, md5_of
from domain.datasets.models import Dataset, DatasetFile, DatasetObject, DatasetVersion
from domain.datasets.queries import files_of, find_by_digest, get_dataset
from domain.datasets.service import add_version, create_dataset, refuse_archived
from domain.datasets.specs import DvcSource
from domain.db import AnySession, WriteSession
from domain.errors import Conflict, NotFound

SHOWN = 3
# Parameters of one statement: below the limits of SQLite and of Postgres.
_BATCH = 5_000


class UnknownObject(NotFound):
    """The dataset has no such object: DVC's client reads the 404 as "to be pushed"."""

    code = "unknown_object"


class NotPushed(Conflict):
    """The pointer is fine, but its bytes are not here (yet)."""

    code = "not_pushed"


class IncompleteFolder(Conflict):
    """A listing came before all the files that it names."""

    code = "incomplete_dir_object"


@dataclass(frozen=True)
class Place:
    """A dataset as its remote sees it. `size` is that of the object asked about; None where the dataset has no such.

    Of a listing that only a version knows, too: `listing_of` makes it.
    """

    id: str
    archived: bool
    size: int | None = None


_PUSHED = (
    select(DatasetObject.size)
    .where(DatasetObject.dataset_id == Dataset.id, DatasetObject.digest == bindparam("digest"))
    .correlate(Dataset)
    .scalar_subquery()
)
_IN_A_VERSION = (
    select(DatasetFile.size)
    .join(DatasetVersion, DatasetVersion.id == DatasetFile.version_id)
    .where(
        DatasetFile.md5 == bindparam("digest"),
        DatasetVersion.dataset_id == Dataset.id,
        DatasetVersion.deleted_at.is_(None),
    )
    .limit(1)
    .correlate(Dataset)
    .scalar_subquery()
)
_COLUMNS = (
    Dataset.id.label("dataset_id"),
    Dataset.archived_at.label("archived_at"),
    func.coalesce(_PUSHED, _IN_A_VERSION).label("size"),
)
_PLACE = select(*_COLUMNS).where(Dataset.name == bindparam("name"))
# One statement for each of many small requests: who asks, where, and whether it is there.
_VISIT = (
    select(*HOLDER, *_COLUMNS)
    .select_from(Token)
    .outerjoin(Dataset, Dataset.name == bindparam("name"))
    .where(Token.sha256 == bindparam("sha256"))
)
# Clients push the same bytes at the same moment, and both are right.
_RECORD = {
    name: dialect.insert(DatasetObject.__table__)
    .values({column.name: bindparam(column.name) for column in DatasetObject.__table__.columns})
    .on_conflict_do_nothing()
    .execution_options(preserve_rowcount=True)
    for name, dialect in {"sqlite": sqlite, "postgresql": postgresql}.items()
}


def visit(
    session: AnySession, *, secret: str, now: datetime, name: str, digest: str = ""
) -> tuple[Actor | None, Place | None]:
    """Who holds the secret (as `access.identify` has it), and the dataset with what is known of the object."""
    values = {"sha256": hashed(secret), "name": name, "digest": digest}
    row = session.execute(_VISIT, values).first()
    return holder(row, now=now), _place(row)


def find_place(session: AnySession, name: str, digest: str = "") -> Place | None:
    return _place(session.execute(_PLACE, {"name": name, "digest": digest}).first())


def _place(row: Row[Any] | None) -> Place | None:
    if row is None or row.dataset_id is None:
        return None
    return Place(row.dataset_id, archived=row.archived_at is not None, size=row.size)


def listing_of(session: AnySession, dataset_id: str, digest: str) -> bytes | None:
    """The listing of the version with this digest, made from its files; None where there is no such version.

    None, too, for a version whose files DVC has listed in its own way: then only the pushed bytes will do.
    """
    version = find_by_digest(session, dataset_id, digest)
    if version is None:
        return None
    listing = directory_listing(files_of(session, version))
    return listing if f"{md5_of(listing)}.dir" == digest else None


def has_version(session: AnySession, dataset_id: str, digest: str) -> bool:
    return find_by_digest(session, dataset_id, digest) is not None


def sizes_of(session: AnySession, dataset_id: str, md5s: Collection[str]) -> dict[str, int]:
    """MD5 and size of those of the files that exist in the dataset."""
    sizes: dict[str, int] = {}
    for some in _batches(md5s):
        rows = session.execute(
            select(DatasetObject.digest, DatasetObject.size).where(
                DatasetObject.dataset_id == dataset_id, DatasetObject.digest.in_(some)
            )
        )
        sizes.update((row.digest, row.size) for row in rows)
    for some in _batches([md5 for md5 in md5s if md5 not in sizes]):
        rows = session.execute(
            select(DatasetFile.md5, DatasetFile.size)
            .join(DatasetVersion, DatasetVersion.id == DatasetFile.version_id)
            .where(
                DatasetVersion.dataset_id == dataset_id,
                DatasetVersion.deleted_at.is_(None),
                DatasetFile.md5.in_(some),
            )
        )
        sizes.update((row.md5, row.size) for row in rows)
    return sizes


def prefixes_of(session: AnySession, dataset_id: str) -> list[str]:
    """The first two digits of what was pushed to the dataset: the folders of its remote."""
    prefix = func.substr(DatasetObject.digest, 1, 2)
    query = select(prefix).where(DatasetObject.dataset_id == dataset_id).distinct().order_by(prefix)
    return list(session.scalars(query))


def pushed_under(session: AnySession, dataset_id: str, prefix: str) -> list[DatasetObject]:
    """What was pushed to the dataset and begins with these digits. What only a version has is not in it."""
    query = select(DatasetObject).where(
        DatasetObject.dataset_id == dataset_id, DatasetObject.digest.startswith(prefix, autoescape=True)
    )
    return list(session.scalars(query.order_by(DatasetObject.digest)))


def refuse_incomplete(session: AnySession, dataset_id: str, listed: Sequence[Listed]) -> None:
    """`IncompleteFolder`, naming a few, unless every file of the listing exists in the dataset."""
    missing = _missing(listed, sizes_of(session, dataset_id, {one.md5 for one in listed}))
    if missing:
        raise IncompleteFolder(
            f"{len(missing)} of the {len(listed)} files that the folder lists have not arrived: {_shown(missing)}.",
            where="body",
            fix="Push the files first, then the listing; `dvc push` does.",
        )


def open_dataset(session: WriteSession, name: str) -> Place:
    """The dataset that takes a push, made by its first one. `DatasetIsArchived` when it is closed."""
    place = find_place(session, name)
    if place is None:
        dataset = create_dataset(session, name=name)
        return Place(dataset.id, archived=False)
    if place.archived:
        refuse_archived(get_dataset(session, name))
    return place


def record_push(session: WriteSession, *, dataset_id: str, digest: str, size: int) -> bool:
    """The object is in the store and now exists in the dataset; False when it did so before."""
    statement = _RECORD[session.get_bind().dialect.name]
    values = {"dataset_id": dataset_id, "digest": digest, "size": size, "pushed_at": session.now()}
    return cast("CursorResult[Any]", session.execute(statement, values)).rowcount == 1


def forget_push(session: WriteSession, *, dataset_id: str, digest: str) -> bool:
    """The object no longer exists in the dataset, but for the versions that have it; False when nobody pushed it."""
    gone = session.execute(
        delete(DatasetObject)
        .where(DatasetObject.dataset_id == dataset_id, DatasetObject.digest == digest)
        .returning(DatasetObject.digest)
    )
    return gone.first() is not None


def find_pointed(session: AnySession, *, dataset: str, pointer: Pointer) -> DatasetVersion | None:
    """The version that the pointer stands for, or None where its bytes were pushed and no version has them yet.

    `NotPushed` when the dataset has no such object: that another one has it does not count.
    """
    home = find_place(session, dataset, pointer.md5)
    standing = find_by_digest(session, home.id if home else get_dataset(session, dataset).id, pointer.md5)
    if standing is None and (home is None or home.size is None):
        raise _not_pushed(dataset, [Listed(pointer.path, pointer.md5)], of=1)
    return standing


def add_pointed_version(
    session: WriteSession,
    *,
    dataset: str,
    pointer: Pointer,
    listed: Sequence[Listed] = (),
    source: DvcSource | None = None,
    message: str = "",
) -> tuple[DatasetVersion, bool]:
    """The version a pointer stands for, and whether it is new. `listed` is what the pushed `.dir` object names.

    `source` carries what Git knows about the pointer. Raises `NotPushed`, and what `add_version` raises.
    """
    home = get_dataset(session, dataset, lock=True)
    if not pointer.md5.endswith(".dir"):
        listed = [Listed(pointer.path.rpartition("/")[2], pointer.md5)]
    sizes = sizes_of(session, home.id, {one.md5 for one in listed})
    missing = _missing(listed, sizes)
    if missing:
        raise _not_pushed(dataset, missing, of=len(listed))
    return add_version(
        session,
        dataset=dataset,
        entries=[ManifestEntry(one.path, one.md5, sizes[one.md5]) for one in listed],
        source=source or DvcSource(path=pointer.path, md5=pointer.md5),
        message=message,
        digest=pointer.md5,
    )


def _not_pushed(dataset: str, missing: Sequence[Listed], *, of: int) -> NotPushed:
    return NotPushed(
        f"The bytes are not in {dataset!r}: {len(missing)} of {of} missing, {_shown(missing)}.",
        where="source.pointer",
        fix=f"Run `dvc push` to the remote of {dataset!r} first.",
    )


def _missing(listed: Iterable[Listed], sizes: dict[str, int]) -> list[Listed]:
    return [one for one in listed if one.md5 not in sizes]


def _shown(missing: Sequence[Listed]) -> str:
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return ", ".join(f"{one.path} ({one.md5})" for one in missing[:SHOWN]) + more


def _batches(md5s: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(md5s)
    while some := list(islice(rest, _BATCH)):
        yield some
