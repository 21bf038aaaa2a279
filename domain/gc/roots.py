"""Everything that can need a content, asked about some contents at a time.

A column that holds MD5s keeps what it names. Those of known nouns are read by their meaning; of any other table every
column called `md5`, `…_md5` or `digest` counts, so that a noun that is added later is never collected from under.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, String, func, or_, select

from domain.batch_predictions.models import BatchPart
from domain.contents.models import Content
from domain.datasets.models import DatasetFile, DatasetObject, DatasetPin, DatasetVersion
from domain.datasets.states import VersionState
from domain.db import AnySession, Base
from domain.deployments.models import Endpoint
from domain.experiments.models import Run
from domain.experiments.states import RunState
from domain.gc.jobs import ComputePlan, DeleteRetiredPacks, ExecutePlan, RepackStore
from domain.gc.models import PlanContent
from domain.gc.reach import RootKind
from domain.jobs.models import Job
from domain.jobs.states import JobState
from domain.promotions.models import AlphaSpend, Promotion
from domain.registry.models import ModelVersion
from domain.repositories.models import WaitingPointer

Listings = Mapping[str, frozenset[str]]
"""The files that a pushed folder's listing names, by the listing's digest."""

# What a run that came to nothing used is not kept for it.
HOLDING = (RunState.PENDING, RunState.RUNNING, RunState.FINISHED)
_CONTENTS_OF_RUNS = (
    Run.train_rows_md5, Run.train_inputs_md5, Run.test_rows_md5, Run.reference_md5,
    Run.profile_html_md5, Run.profile_speedscope_md5, Run.profile_text_md5,
)  # fmt: skip
_KNOWN: set[Any] = {
    column.property.columns[0]
    for column in (
        Content.digest, PlanContent.digest, DatasetFile.md5, DatasetVersion.digest, DatasetObject.digest,
        *_CONTENTS_OF_RUNS, Promotion.rows_md5, AlphaSpend.rows_md5, BatchPart.md5,
        WaitingPointer.md5,  # of what has not all been pushed; what has been is an object of its dataset
    )
}  # fmt: skip
_OWN_JOBS = tuple(spec.kind() for spec in (ComputePlan, ExecutePlan, DeleteRetiredPacks, RepackStore))


@dataclass(frozen=True)
class Youth:
    """What is too young to go: contents that arrived since, or since the oldest job in flight began."""

    young_since: datetime
    jobs_since: datetime | None

    @property
    def cutoff(self) -> datetime:
        return min(self.young_since, self.jobs_since or self.young_since)


class UnreadListings(Exception):
    """Folders were pushed whose listings the caller has not read yet."""

    def __init__(self, digests: Collection[str]) -> None:
        super().__init__(f"{len(digests)} listings")
        self.digests = digests


def youth(session: AnySession, *, now: datetime, grace: timedelta) -> Youth:
    in_flight = select(func.min(Job.created_at)).where(
        Job.kind.not_in(_OWN_JOBS),
        or_(Job.state == JobState.RUNNING, (Job.state == JobState.QUEUED) & (Job.attempt > 0)),
    )
    return Youth(now - grace, session.scalar(in_flight))


def needed(session: AnySession, digests: Collection[str], listings: Listings) -> dict[RootKind, set[str]]:
    """Which of these contents each kind of root names. `UnreadListings` when the listings do not suffice."""
    unread = listings_to_read(session) - listings.keys()
    if unread:
        raise UnreadListings(unread)
    files = select(DatasetFile.md5, DatasetFile.version_id).where(DatasetFile.md5.in_(digests))
    wholes = select(DatasetVersion.digest, DatasetVersion.id).where(DatasetVersion.digest.in_(digests))
    had = [(digest, version) for query in (files, wholes) for digest, version in session.execute(query)]
    found: dict[RootKind, set[str]] = {}
    for kind, versions in _versions_by_kind().items():
        ids = set(session.scalars(versions))
        found[kind] = {digest for digest, version in had if version in ids}
    asked = set(digests)
    for kind, runs in _runs_by_kind().items():
        rows = session.execute(select(*_CONTENTS_OF_RUNS).where(Run.id.in_(runs)))
        found[kind] |= asked.intersection(digest for row in rows for digest in row)
    found[RootKind.OBJECTS] = set(
        session.scalars(select(DatasetObject.digest).where(DatasetObject.digest.in_(digests)))
    )
    for named in listings.values():
        found[RootKind.OBJECTS] |= asked & named
    # A decision is replayed from the rows it was made on; what a comparison has spent is known by them.
    found[RootKind.PROMOTIONS] = {
        digest
        for column in (Promotion.rows_md5, AlphaSpend.rows_md5)
        for digest in session.scalars(select(column).where(column.in_(digests)))
        if digest is not None
    }
    # What a batch has answered so far: its next attempt goes on behind it.
    found[RootKind.BATCHES] = set(session.scalars(select(BatchPart.md5).where(BatchPart.md5.in_(digests))))
    found[RootKind.OTHERS] = {
        digest for column in other_columns() for digest in session.scalars(select(column).where(column.in_(digests)))
    }
    return found


def listings_to_read(session: AnySession) -> set[str]:
    """Pushed listings whose files no version names: only the listing itself says what they are."""
    standing = select(DatasetVersion.digest).where(_standing())
    query = select(DatasetObject.digest).where(
        DatasetObject.digest.endswith(".dir"), DatasetObject.digest.not_in(standing)
    )
    return set(session.scalars(query))


def counts(session: AnySession) -> dict[RootKind, int]:
    """How many roots of each kind there are to look at."""
    found = {kind: _count(session, versions) for kind, versions in _versions_by_kind().items()}
    found[RootKind.RUNS] = _count(session, _runs_by_kind()[RootKind.RUNS])
    found[RootKind.MODELS] = _count(session, select(ModelVersion.id))
    found[RootKind.PROMOTIONS] = _count(session, select(Promotion.id).where(Promotion.rows_md5.is_not(None)))
    found[RootKind.ENDPOINTS] = _count(session, select(Endpoint.id))
    found[RootKind.OBJECTS] = _count(session, select(DatasetObject.digest))
    found[RootKind.BATCHES] = _count(session, select(BatchPart.md5))
    found[RootKind.OTHERS] = len(list(other_columns()))
    found[RootKind.JOBS] = _count(
        session,
        select(Job.id).where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]), Job.kind.not_in(_OWN_JOBS)),
    )
    return found


def other_columns() -> Iterator[Column[Any]]:
    """Columns of nouns that are not known here, and that by their names hold MD5s."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            named = column.name in {"md5", "digest"} or column.name.endswith("_md5")
            if named and isinstance(column.type, String) and column not in _KNOWN:
                yield column


def origins(session: AnySession, digests: Collection[str]) -> dict[str, tuple[str, datetime | None]]:
    """Where contents came from: the newest version that had them, and when that was deleted."""
    found: dict[str, tuple[str, datetime | None]] = {}
    columns = (DatasetVersion.id, DatasetVersion.number, DatasetVersion.deleted_at, DatasetVersion.dataset_id)
    files = select(DatasetFile.md5, DatasetFile.path, *columns).join(
        DatasetVersion, DatasetVersion.id == DatasetFile.version_id
    )
    names = _names(session)
    for row in session.execute(files.where(DatasetFile.md5.in_(digests)).order_by(DatasetVersion.id)):
        found[row.md5] = (f"{names[row.dataset_id]}@{row.number} {row.path}", row.deleted_at)
    wholes = select(DatasetVersion.digest, *columns).where(DatasetVersion.digest.in_(digests))
    for whole in session.execute(wholes.order_by(DatasetVersion.id)):
        if whole.digest not in found:
            found[whole.digest] = (f"{names[whole.dataset_id]}@{whole.number} (listing)", whole.deleted_at)
    return found


def _names(session: AnySession) -> dict[str, str]:
    table = Base.metadata.tables["dataset"]
    return {row.id: row.name for row in session.execute(select(table.c.id, table.c.name))}


def _standing() -> ColumnElement[bool]:
    return DatasetVersion.state != VersionState.DELETED


def _versions_by_kind() -> dict[RootKind, Select[Any]]:
    """The versions that each kind needs, whatever their state says."""
    return {
        RootKind.VERSIONS: select(DatasetVersion.id).where(_standing()),
        RootKind.PINS: select(DatasetPin.version_id),
        **{kind: select(Run.dataset_version_id).where(Run.id.in_(runs)) for kind, runs in _runs_by_kind().items()},
    }


def _runs_by_kind() -> dict[RootKind, Select[Any]]:
    serving = or_(ModelVersion.id == Endpoint.live_version_id, ModelVersion.id == Endpoint.standby_version_id)
    return {
        RootKind.RUNS: select(Run.id).where(Run.state.in_(HOLDING)),
        RootKind.MODELS: select(ModelVersion.run_id),
        RootKind.ENDPOINTS: select(ModelVersion.run_id).join(Endpoint, serving),
    }


def _count(session: AnySession, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0
