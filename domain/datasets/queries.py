"""Reads of datasets: by name and number, by reference (`name@n`), pages, files, and the lineage of a version."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import TypeVar

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import contains_eager

from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import Dataset, DatasetDiff, DatasetFile, DatasetParent, DatasetPin, DatasetVersion
from domain.datasets.specs import TableProfile, VersionDiff
from domain.datasets.states import VersionState
from domain.db import AnySession, Base
from domain.errors import Conflict, NotFound, unknown
from domain.pages import Page, PageRequest, paginate

T = TypeVar("T")

_STANDING = DatasetVersion.state != VersionState.DELETED


class UnknownDataset(NotFound):
    code = "unknown_dataset"


class UnknownVersion(NotFound):
    code = "unknown_dataset_version"


class UnknownFile(NotFound):
    code = "unknown_dataset_file"


class NoProfile(NotFound):
    code = "no_profile"


class VersionDeleted(NotFound):
    """The version is known, but its content is not to be had any more."""

    code = "version_deleted"


class NothingValidated(Conflict):
    """A reference without a number means the newest validated version, and there is none."""

    code = "no_validated_version"


@dataclass(frozen=True)
class Use:
    """A row of another noun that refers to a version: the noun (its table) and the row's id."""

    noun: str
    id: str
    version_id: str


def get_dataset(session: AnySession, name: str, *, lock: bool = False) -> Dataset:
    """The dataset, archived or not; `UnknownDataset` with near matches otherwise."""
    query = select(Dataset).where(Dataset.name == name)
    dataset = session.scalar(_locked(query) if lock else query)
    if dataset is None:
        known = session.scalars(select(Dataset.name).where(Dataset.archived_at.is_(None)))
        absent = unknown("dataset", name, known)
        raise UnknownDataset(absent.message, where=absent.where, fix=absent.fix)
    return dataset


def list_datasets(session: AnySession, page: PageRequest, *, archived: bool = False) -> Page[Dataset]:
    """Newest first; archived ones only when asked for."""
    query = select(Dataset).where(Dataset.archived_at.is_not(None) if archived else Dataset.archived_at.is_(None))
    return paginate(session, query, page, key=Dataset.id)


def get_version(session: AnySession, name: str, number: int | None = None) -> DatasetVersion:
    """Version `number` of the dataset in any state, or its newest one that is not deleted."""
    query = _versions().where(Dataset.name == name)
    query = (
        query.where(_STANDING).order_by(DatasetVersion.number.desc()).limit(1)
        if number is None
        else query.where(DatasetVersion.number == number)
    )
    version = session.scalar(query)
    if version is None:
        dataset = get_dataset(session, name)
        has = f"It has versions 1 to {dataset.versions}." if dataset.versions else "It has no versions yet."
        if number is None and dataset.versions:
            has = "All of its versions were deleted."
        what = "versions" if number is None else f"version {number}"
        raise UnknownVersion(f"The dataset {name!r} has no {what}.", where="version", fix=has)
    return version


def newest_versions(session: AnySession, datasets: Collection[Dataset]) -> dict[str, DatasetVersion]:
    """The newest version of each that is not deleted, by the id of the dataset; those without any are left out."""
    newest = select(DatasetVersion.dataset_id, func.max(DatasetVersion.number))
    newest = newest.where(DatasetVersion.dataset_id.in_([dataset.id for dataset in datasets]), _STANDING)
    newest = newest.group_by(DatasetVersion.dataset_id)
    found = session.scalars(_versions().where(tuple_(DatasetVersion.dataset_id, DatasetVersion.number).in_(newest)))
    return {version.dataset_id: version for version in found}


def find_version(session: AnySession, name: str, number: int) -> DatasetVersion | None:
    return session.scalar(_versions().where(Dataset.name == name, DatasetVersion.number == number))


def get_version_by_id(session: AnySession, version_id: str, *, lock: bool = False) -> DatasetVersion:
    query = _versions().where(DatasetVersion.id == version_id)
    version = session.scalar(_locked(query) if lock else query)
    if version is None:
        raise UnknownVersion(f"There is no dataset version with the id {version_id!r}.", where="version_id")
    return version


def versions_by_id(session: AnySession, version_ids: Collection[str]) -> dict[str, DatasetVersion]:
    """The versions of these ids, each with its dataset: what a list of rows refers to, at once."""
    return {version.id: version for version in session.scalars(_versions().where(DatasetVersion.id.in_(version_ids)))}


def find_by_digest(session: AnySession, dataset_id: str, digest: str) -> DatasetVersion | None:
    """The version with this content, unless it was deleted."""
    query = _versions().where(DatasetVersion.dataset_id == dataset_id, DatasetVersion.digest == digest, _STANDING)
    return session.scalar(query)


def list_versions(
    session: AnySession, name: str, page: PageRequest, *, state: VersionState | None = None, deleted: bool = False
) -> Page[DatasetVersion]:
    """Newest first; deleted ones only when asked for, by their state or beside the others."""
    query = _versions().where(DatasetVersion.dataset_id == get_dataset(session, name).id)
    if state is not None:
        query = query.where(DatasetVersion.state == state)
    elif not deleted:
        query = query.where(_STANDING)
    return paginate(session, query, page, key=DatasetVersion.number, cast=int)


def resolve(session: AnySession, ref: str) -> DatasetVersion:
    """What `name` (the newest validated version) or `name@n` (that one, in any state but deleted) stands for."""
    name, _, number = ref.partition("@")
    if number:
        return refuse_deleted(get_version(session, name, int(number)))
    query = _versions().where(Dataset.name == name, DatasetVersion.state == VersionState.VALIDATED)
    version = session.scalar(query.order_by(DatasetVersion.number.desc()).limit(1))
    if version is None:
        get_dataset(session, name)
        fix = "Upload one that passes its checks, or name a version as NAME@n."
        raise NothingValidated(f"The dataset {name!r} has no validated version.", where=name, fix=fix)
    return version


def previous_validated(session: AnySession, version: DatasetVersion) -> DatasetVersion | None:
    """The newest validated version before this one; None when it is the first."""
    query = _versions().where(
        DatasetVersion.dataset_id == version.dataset_id,
        DatasetVersion.number < version.number,
        DatasetVersion.state == VersionState.VALIDATED,
    )
    return session.scalar(query.order_by(DatasetVersion.number.desc()).limit(1))


def files_of(session: AnySession, version: DatasetVersion) -> list[ManifestEntry]:
    """The files in the order of the manifest; `VersionDeleted` when they are not to be had any more."""
    refuse_deleted(version)
    # A folder has thousands: no objects in between.
    rows = session.execute(
        select(DatasetFile.path, DatasetFile.md5, DatasetFile.size).where(DatasetFile.version_id == version.id)
    )
    entries = [ManifestEntry(path, md5, size) for path, md5, size in rows]
    return sorted(entries, key=lambda entry: entry.path)


def only(entries: list[ManifestEntry], paths: Collection[str] | None) -> list[ManifestEntry]:
    """Those of the files that are named, all of them without names; `UnknownFile` for a name that is none of theirs."""
    if paths is None:
        return entries
    known = {entry.path: entry for entry in entries}
    for path in paths:
        if path not in known:
            absent = unknown("file", path, known)
            raise UnknownFile(absent.message, where="paths", fix=absent.fix)
    return [known[path] for path in sorted(set(paths))]


def get_file(session: AnySession, version: DatasetVersion, path: str) -> ManifestEntry:
    refuse_deleted(version)
    row = session.get(DatasetFile, (version.id, path))
    if row is None:
        known = session.scalars(select(DatasetFile.path).where(DatasetFile.version_id == version.id).limit(1_000))
        absent = unknown("file", path, known)
        raise UnknownFile(absent.message, where="path", fix=absent.fix)
    return ManifestEntry(row.path, row.md5, row.size)


def get_profile(session: AnySession, version: DatasetVersion) -> TableProfile:
    """The facts about the columns; `NoProfile` while the checks have not run, or when the table cannot be read."""
    refuse_deleted(version)
    profile = session.scalar(select(DatasetVersion.profile).where(DatasetVersion.id == version.id))
    if profile is None:
        what = f"Version {version.number} of {version.dataset.name!r} has no profile: it is {version.state}."
        raise NoProfile(what, where="version", fix="Its checks say why, or will make one when they run.")
    return TableProfile.model_validate(profile)


def refuse_deleted(version: DatasetVersion) -> DatasetVersion:
    """The version, if its content can still be had."""
    if version.deleted_at is not None:
        what = f"Version {version.number} of {version.dataset.name!r} was deleted by {version.deleted_by}."
        raise VersionDeleted(what, where="version", fix="Use another version; the same bytes sent again are a new one.")
    return version


def find_pin(session: AnySession, version: DatasetVersion) -> DatasetPin | None:
    return session.get(DatasetPin, version.id)


def columns_of(session: AnySession, version: DatasetVersion) -> list[str] | None:
    """The names of its columns; `None` while it has no profile."""
    profile = session.scalar(select(DatasetVersion.profile).where(DatasetVersion.id == version.id))
    return None if profile is None else [column["name"] for column in profile["columns"]]


def key_digest(key: Sequence[str]) -> str:
    """What tells comparisons of two versions apart: which columns name a row. Their order and repeats mean nothing."""
    return md5(json.dumps(sorted(set(key))).encode(), usedforsecurity=False).hexdigest()


def find_diff(
    session: AnySession, before: DatasetVersion, after: DatasetVersion, key: Sequence[str] = ()
) -> VersionDiff | None:
    row = session.get(DatasetDiff, (before.id, after.id, key_digest(key)))
    return None if row is None else VersionDiff.model_validate(row.diff)


def parents_of(session: AnySession, version: DatasetVersion) -> list[DatasetVersion]:
    """The versions this one was built from."""
    linked = select(DatasetParent.parent_id).where(DatasetParent.child_id == version.id)
    return list(session.scalars(_versions().where(DatasetVersion.id.in_(linked)).order_by(DatasetVersion.id)))


def children_of(session: AnySession, version: DatasetVersion) -> list[DatasetVersion]:
    """The versions built from this one."""
    linked = select(DatasetParent.child_id).where(DatasetParent.parent_id == version.id)
    return list(session.scalars(_versions().where(DatasetVersion.id.in_(linked)).order_by(DatasetVersion.id)))


def built_after(session: AnySession, dataset: Dataset, source: DatasetVersion) -> DatasetVersion | None:
    """The newest version of `dataset` that was built from a later version than `source` of that one's dataset."""
    later = select(DatasetVersion.id).where(
        DatasetVersion.dataset_id == source.dataset_id, DatasetVersion.number > source.number
    )
    children = select(DatasetParent.child_id).where(DatasetParent.parent_id.in_(later))
    query = _versions().where(DatasetVersion.dataset_id == dataset.id, DatasetVersion.id.in_(children))
    return session.scalar(query.order_by(DatasetVersion.number.desc()).limit(1))


def uses_of(session: AnySession, versions: Select[str], *, limit: int = 100) -> list[Use]:
    """Rows of other nouns that refer to these versions (a select of ids), found by their foreign keys.

    A key that cascades belongs to a part of the version (its files, its reports) and is no use of it.
    """
    found: list[Use] = []
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column is DatasetVersion.__table__.c.id and key.ondelete != "CASCADE":
                rows = session.execute(select(table.c.id, key.parent).where(key.parent.in_(versions)).limit(limit))
                found += [Use(table.name, row_id, version_id) for row_id, version_id in rows]
    return found


def _locked(query: Select[T]) -> Select[T]:
    """Lock the row and read it anew: the session may have seen it before somebody else changed it."""
    entity = query.column_descriptions[0]["entity"]
    return query.with_for_update(of=entity).execution_options(populate_existing=True)


def _versions() -> Select[DatasetVersion]:
    return select(DatasetVersion).join(DatasetVersion.dataset).options(contains_eager(DatasetVersion.dataset))
