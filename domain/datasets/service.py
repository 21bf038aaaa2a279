"""Verbs of datasets: create, update, archive, add a version, order a build or a diff, and record a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from domain.datasets.events import (
    DatasetArchived,
    DatasetCreated,
    DatasetUpdated,
    DatasetVersionBuilt,
    DatasetVersionCreated,
    DatasetVersionDeleted,
    DatasetVersionRejected,
    DatasetVersionValidated,
)
from domain.datasets.jobs import BuildVersion, DiffVersions
from domain.datasets.manifest import ManifestEntry, digest_of, format_of
from domain.datasets.models import Dataset, DatasetDiff, DatasetFile, DatasetParent, DatasetVersion
from domain.datasets.queries import (
    built_after,
    columns_of,
    find_by_digest,
    get_dataset,
    get_version_by_id,
    key_digest,
    refuse_deleted,
    uses_of,
)
from domain.datasets.resolution import resolve_recipe
from domain.datasets.specs import Provenance, RecipeSource, Source, TableProfile, VersionDiff, refuse_unknown_key
from domain.datasets.states import VersionState, may_move
from domain.db import WriteSession, insert_many, new_id
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.states import JobState


class DatasetExists(Conflict):
    code = "dataset_exists"


class DatasetIsArchived(Conflict):
    code = "dataset_archived"


class DatasetInUse(Conflict):
    code = "dataset_in_use"


class NoFiles(Invalid):
    code = "no_files"


class OtherFormat(Conflict):
    """The same bytes are already a version, read as another format."""

    code = "other_format"


class DiffFailed(Conflict):
    code = "diff_failed"


def subject_of(version: DatasetVersion) -> str:
    return f"datasets/{version.dataset.name}/versions/{version.number}"


def create_dataset(session: WriteSession, *, name: str, description: str = "") -> Dataset:
    if session.scalar(select(Dataset.id).where(Dataset.name == name)) is not None:
        raise DatasetExists(
            f"A dataset named {name!r} exists.", where="name", fix="Add a version to it, or choose another name."
        )
    dataset = Dataset(
        id=new_id(),
        name=name,
        description=description,
        versions=0,
        revision=1,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(dataset)
    session.flush()
    emit(session, DatasetCreated(subject=f"datasets/{name}", name=name))
    return dataset


def update_dataset(session: WriteSession, *, dataset: Dataset, description: str) -> Dataset:
    """Change what people read about it. `dataset` must be locked by the caller, who compared its revision."""
    if description != dataset.description:
        dataset.description = description
        dataset.revision += 1
        emit(session, DatasetUpdated(subject=f"datasets/{dataset.name}", name=dataset.name, revision=dataset.revision))
    return dataset


def archive_dataset(session: WriteSession, *, name: str) -> Dataset:
    """Take the dataset out of the lists and refuse new versions. Its name stays taken and its versions can be read.

    `DatasetInUse` when something was made from one of its versions.
    """
    dataset = get_dataset(session, name, lock=True)
    uses = uses_of(session, select(DatasetVersion.id).where(DatasetVersion.dataset_id == dataset.id), limit=3)
    if uses:
        shown = ", ".join(f"{use.noun} {use.id}" for use in uses[:3])
        raise DatasetInUse(
            f"Versions of {name!r} are in use, by {shown}.",
            where="name",
            fix="A dataset that something refers to stays.",
        )
    if dataset.archived_at is None:
        dataset.archived_at = session.now()
        dataset.revision += 1
        emit(session, DatasetArchived(subject=f"datasets/{name}", name=name))
    return dataset


def add_version(
    session: WriteSession,
    *,
    dataset: str,
    entries: Sequence[ManifestEntry],
    source: Provenance,
    message: str = "",
    rows: int | None = None,
    parents: Sequence[DatasetVersion] = (),
    digest: str | None = None,
) -> tuple[DatasetVersion, bool]:
    """The version that holds these files and whether it is new: equal content is the version that is already there.

    The bytes must be in the store. `digest` is given where DVC has listed the files in its own way.
    Raises `NoFiles`, `DuplicateFileName`, `DatasetIsArchived` or `OtherFormat`.
    """
    if not entries:
        raise NoFiles("A version needs at least one file.", where="files")
    own, read_as = digest_of(entries), format_of(entries)
    digest = digest or own
    home = get_dataset(session, dataset, lock=True)  # versions of one dataset are numbered one after the other
    refuse_archived(home)
    standing = find_by_digest(session, home.id, digest)
    if standing is not None:
        if standing.format != read_as:
            what = f"These bytes are version {standing.number} of {dataset!r}, read as {standing.format}."
            raise OtherFormat(what, where="files", fix="Use another dataset, or name the file as it was named then.")
        return standing, False
    home.versions += 1
    version = DatasetVersion(
        id=new_id(),
        dataset_id=home.id,
        dataset=home,
        number=home.versions,
        digest=digest,
        format=read_as,
        state=VersionState.REGISTERED,
        reasons=[],
        files=len(entries),
        size=sum(entry.size for entry in entries),
        rows=rows,
        message=message,
        source=source.as_json(),
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(version)
    session.flush()
    files: list[Mapping[str, Any]] = [
        {"version_id": version.id, "path": one.path, "md5": one.md5, "size": one.size} for one in entries
    ]
    insert_many(session, insert(DatasetFile), files)
    session.add_all(
        DatasetParent(child_id=version.id, parent_id=parent_id) for parent_id in {parent.id for parent in parents}
    )
    session.flush()
    emit(
        session,
        DatasetVersionCreated(
            subject=subject_of(version), dataset=dataset, number=version.number, version_id=version.id, digest=digest
        ),
    )
    return version, True


def build_version(
    session: WriteSession, *, name: str, source: Source, message: str = "", key: str | None = None
) -> Job:
    """Order the next version of dataset `name`. References that mean nothing now are refused now."""
    refuse_archived(get_dataset(session, name))
    if isinstance(source, RecipeSource):
        resolve_recipe(session, source)
    spec = BuildVersion(dataset=name, source=source, message=message)
    return jobs.submit(session, spec, subject=f"datasets/{name}/versions", key=key)


def record_build(
    session: WriteSession,
    *,
    job_id: str,
    dataset: str,
    entries: Sequence[ManifestEntry],
    rows: int | None,
    source: Provenance,
    message: str,
    parents: Sequence[DatasetVersion] = (),
    after: DatasetVersion | None = None,
) -> DatasetVersion:
    """What a build came to: a new version, or the one that already holds these rows.

    A build that was set off by the version `after` and overtaken by one from a newer version records nothing, so that
    the newest derived version is of the newest rows; that other one is its answer.
    """
    if after is not None:
        overtaken_by = built_after(session, get_dataset(session, dataset, lock=True), after)
        if overtaken_by is not None:
            return overtaken_by
    version, created = add_version(
        session,
        dataset=dataset,
        entries=entries,
        source=source,
        message=message,
        rows=rows,
        parents=parents,
    )
    emit(
        session,
        DatasetVersionBuilt(
            subject=subject_of(version),
            dataset=dataset,
            number=version.number,
            version_id=version.id,
            job_id=job_id,
            created=created,
            state=version.state,
        ),
    )
    return version


def describe_version(session: WriteSession, *, version: DatasetVersion, profile: TableProfile) -> None:
    """Keep the facts about a version's rows."""
    version.rows = profile.rows
    version.profile = profile.as_json()
    session.flush()


def validate_version(session: WriteSession, *, version_id: str) -> DatasetVersion:
    """The version passed its checks. Says so only when that is news."""
    version = get_version_by_id(session, version_id, lock=True)
    if _moved(version, VersionState.VALIDATED, reasons=[]):
        emit(
            session,
            DatasetVersionValidated(
                subject=subject_of(version), dataset=version.dataset.name, number=version.number, version_id=version.id
            ),
        )
    return version


def reject_version(session: WriteSession, *, version_id: str, reasons: list[str]) -> DatasetVersion:
    """The version failed its checks, for these reasons."""
    version = get_version_by_id(session, version_id, lock=True)
    if _moved(version, VersionState.REJECTED, reasons=reasons):
        emit(
            session,
            DatasetVersionRejected(
                subject=subject_of(version),
                dataset=version.dataset.name,
                number=version.number,
                version_id=version.id,
                reasons=reasons,
            ),
        )
    return version


def delete_version(session: WriteSession, *, version: DatasetVersion, reason: str = "") -> None:
    """Let the content go. `version` is locked, and the caller has seen that nothing needs it."""
    if _moved(version, VersionState.DELETED, reasons=version.reasons):
        version.deleted_at = session.now()
        version.deleted_by = session.actor.name
        emit(
            session,
            DatasetVersionDeleted(
                subject=subject_of(version),
                dataset=version.dataset.name,
                number=version.number,
                version_id=version.id,
                digest=version.digest,
                reason=reason,
            ),
        )


def request_diff(
    session: WriteSession, *, before: DatasetVersion, after: DatasetVersion, key: Sequence[str] = ()
) -> Job:
    """The job that compares the two versions: one per pair and key. `DiffFailed` when it could not be done.

    `UnknownKeyColumn` now when their profiles say so; while there is none, the job says it.
    """
    for version in (before, after):
        refuse_deleted(version)
    columns = columns_of(session, before), columns_of(session, after)
    if columns[0] is not None and columns[1] is not None:
        refuse_unknown_key(key, (before.number, columns[0]), (after.number, columns[1]))
    spec = DiffVersions(before_id=before.id, after_id=after.id, key=tuple(sorted(set(key))))
    name = f"diff:{before.id}:{after.id}:{key_digest(key)}"
    job = jobs.submit(session, spec, subject=subject_of(after), key=name)
    if job.state == JobState.FAILED:
        error = job.error or {}
        raise DiffFailed(
            f"The versions cannot be compared: {error.get('message', 'it failed')}",
            where=error.get("where") or "against",
            fix=error.get("fix") or f"See job {job.id}.",
        )
    return job


def record_diff(session: WriteSession, *, before_id: str, after_id: str, diff: VersionDiff) -> None:
    name = key_digest(diff.key)
    if session.get(DatasetDiff, (before_id, after_id, name)) is None:
        row = DatasetDiff(before_id=before_id, after_id=after_id, key_digest=name, diff=diff.as_json())
        session.add(row)


def refuse_archived(dataset: Dataset) -> None:
    if dataset.archived_at is not None:
        raise DatasetIsArchived(f"The dataset {dataset.name!r} is archived and takes no new versions.", where="name")


def _moved(version: DatasetVersion, state: VersionState, *, reasons: list[str]) -> bool:
    """Move to `state`; False when it is there already."""
    version.reasons = reasons
    if version.state == state:
        return False
    if not may_move(version.state, state):
        raise Conflict(f"A version cannot go from {version.state} to {state}.", where="state")
    version.state = state
    return True
