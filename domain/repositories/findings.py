"""What a sync found, into rows: versions of pointers whose bytes are there, pointers that wait, code that changed.

Called by the sync's handler, commit by commit in their order, each in a transaction of its own; all of it may be
recorded a second time without a trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.specs import DvcSource
from domain.db import WriteSession, new_id
from domain.errors import DomainError
from domain.events.service import emit
from domain.repositories.events import CodeChanged, PointerDropped, PointerWaits, RepositorySynced
from domain.repositories.models import CodeVersion, Repository, RepositoryBranch, WaitingPointer
from domain.repositories.queries import get_repository_by_id, unannounced_code
from domain.repositories.service import EXPECT_SECONDS
from domain.repositories.specs import (
    MAX_LISTED,
    MAX_PATHS,
    CommitFacts,
    Expectation,
    PointerFacts,
    SyncProblem,
    SyncReport,
    SyncVersion,
)

# Objects that were not there are looked for again after a quarter of the time they have been missing.
_SOONEST = timedelta(seconds=2)
_LATEST = timedelta(minutes=10)


@dataclass(frozen=True)
class Pushed:
    """A pointer whose bytes are in the store."""

    pointer: PointerFacts
    entries: Sequence[ManifestEntry]


@dataclass(frozen=True)
class Unpushed:
    """A pointer of whose objects `count` are missing, `first` among them."""

    pointer: PointerFacts
    first: str
    count: int


@dataclass
class Outcome:
    """What came of the pointers of a commit."""

    versions: list[SyncVersion] = field(default_factory=list)
    problems: list[SyncProblem] = field(default_factory=list)


def record_commit(
    session: WriteSession,
    *,
    repository: Repository,
    commit: CommitFacts,
    pushed: Sequence[Pushed] = (),
    unpushed: Sequence[Unpushed] = (),
    removed: Sequence[str] = (),
) -> Outcome:
    """Take over a commit: its pointers, and its code. The branch is then read up to it.

    A pointer that waits from an earlier commit gives way to a newer one that needs not: versions never go backwards.
    """
    outcome = Outcome()
    for one in pushed:
        _drop_waiting(session, repository, commit.branch, one.pointer.path, "a newer pointer became a version")
        _add_version(session, repository, commit, one, outcome)
    for path in removed:
        _drop_waiting(session, repository, commit.branch, path, "the pointer was removed")
    for missing in unpushed:
        _wait(session, repository, commit, missing)
    _remember_code(session, repository, commit)
    read_branch(session, repository=repository, branch=commit.branch, commit=commit.commit)
    return outcome


def record_arrival(session: WriteSession, *, waiting_id: str, entries: Sequence[ManifestEntry]) -> Outcome:
    """All that a pointer waited for is there: it becomes a version, and older ones of its path give way."""
    waiting = session.get(WaitingPointer, waiting_id)
    outcome = Outcome()
    if waiting is None:
        return outcome
    repository = get_repository_by_id(session, waiting.repository_id)
    commit = CommitFacts(
        branch=waiting.branch,
        commit=waiting.commit,
        author=waiting.author,
        message=waiting.message,
        committed_at=waiting.committed_at.timestamp(),
    )
    facts = PointerFacts(path=waiting.path, dataset=waiting.dataset, md5=waiting.md5, text=waiting.text)
    session.delete(waiting)
    session.flush()
    reason = "a newer pointer became a version"
    _drop_waiting(session, repository, waiting.branch, waiting.path, reason, before=waiting_id)
    _add_version(session, repository, commit, Pushed(facts, entries), outcome)
    return outcome


def still_missing(session: WriteSession, *, waiting_id: str, first: str, count: int) -> None:
    """Some objects of a waiting pointer have come, and others have not."""
    waiting = session.get(WaitingPointer, waiting_id)
    if waiting is not None:
        waiting.missing, waiting.missing_count = first, count
        waiting.look_at = _next_look(waiting.since, session.now())


def drop(session: WriteSession, *, waiting_id: str, reason: str) -> None:
    """A waiting pointer turned out to be none that a version can be made from."""
    waiting = session.get(WaitingPointer, waiting_id)
    if waiting is not None:
        _dropped(session, get_repository_by_id(session, waiting.repository_id), waiting, reason)


def read_branch(session: WriteSession, *, repository: Repository, branch: str, commit: str) -> None:
    """The branch has been read up to and with this commit."""
    row = session.get(RepositoryBranch, (repository.id, branch))
    if row is None:
        row = RepositoryBranch(repository_id=repository.id, name=branch)
        session.add(row)
    row.commit, row.read_at, row.gone_at = commit, session.now(), None
    session.flush()


def see_branches(session: WriteSession, *, repository_id: str, default: str | None, gone: Sequence[str]) -> None:
    """What the remote has: its default branch as the sync takes it, and branches that are not there any more."""
    repository = get_repository_by_id(session, repository_id, lock=True)
    repository.default_branch = default
    for branch in gone:
        row = session.get(RepositoryBranch, (repository.id, branch))
        if row is not None:
            row.gone_at = session.now()


def announce_code(session: WriteSession, *, repository: Repository, branch: str, quietly: bool = False) -> None:
    """One event for all commits of a branch that changed code and have not been told of (`quietly`: none)."""
    rows = unannounced_code(session, repository.id, branch)
    if not rows:
        return
    for row in rows:
        row.announced = True
    if not quietly:
        paths = list(dict.fromkeys(path for row in rows for path in row.paths))
        emit(
            session,
            CodeChanged(
                subject=f"repositories/{repository.name}",
                repository=repository.name,
                branch=branch,
                commit=rows[-1].commit,
                commits=len(rows),
                changed=max(len(paths), *(row.changed for row in rows)),
                paths=paths[:MAX_PATHS],
                message=rows[-1].message.partition("\n")[0],
            ),
        )


def finish(
    session: WriteSession,
    *,
    repository_id: str,
    report: SyncReport,
    arrived: Sequence[Expectation],
    again: bool,
    rescanned: int | None,
) -> None:
    """The sync has looked at everything. Announced pushes that came, or did not in two minutes, are not waited for.

    `rescanned` is the revision under which every pointer was looked at again: a later one asks for it once more.
    """
    repository = get_repository_by_id(session, repository_id, lock=True)
    now = session.now()
    known = [one.as_json() for one in arrived]
    waited = [one for one in repository.expected if one not in known]
    repository.expected = [one for one in waited if now.timestamp() - one["asked_at"] < EXPECT_SECONDS]
    late = [one for one in waited if one not in repository.expected]
    notes = [f"{one['branch']}: the announced {(one['commit'] or 'removal')[:12]} did not arrive" for one in late]
    report = report.model_copy(update={"notes": [*report.notes, *notes][:MAX_LISTED]})
    repository.error, repository.synced_at = None, now
    repository.wanted = repository.wanted or again
    repository.rescan = repository.rescan and rescanned != repository.revision
    news = report.commits or report.versions or report.unmapped or report.problems or report.notes
    if repository.report is None or news:
        repository.report = report.as_json()
    else:  # what the last news came to stays to be read
        repository.report = {**repository.report, "waiting": report.waiting}
    if news:
        emit(
            session,
            RepositorySynced(
                subject=f"repositories/{repository.name}",
                name=repository.name,
                commits=report.commits,
                versions=[f"{one.dataset}@{one.number}" for one in report.versions if one.created],
                waiting=report.waiting,
                problems=[f"{one.path} at {one.commit[:12]}: {one.message}" for one in report.problems],
            ),
        )


def _add_version(
    session: WriteSession, repository: Repository, commit: CommitFacts, found: Pushed, outcome: Outcome
) -> None:
    pointer = found.pointer
    source = DvcSource(
        path=pointer.path,
        md5=pointer.md5,
        repository=repository.name,
        commit=commit.commit,
        author=commit.author,
        message=commit.message,
    )
    try:
        version, created = datasets.add_version(
            session,
            dataset=pointer.dataset,
            entries=found.entries,
            source=source,
            message=commit.message.partition("\n")[0],
            digest=pointer.md5,
        )
    except DomainError as error:  # the dataset is archived, or reads these bytes otherwise
        outcome.problems.append(problem(commit, pointer.path, error))
        return
    outcome.versions.append(
        SyncVersion(
            path=pointer.path, commit=commit.commit, dataset=pointer.dataset, number=version.number, created=created
        )
    )


def problem(commit: CommitFacts, path: str, error: DomainError) -> SyncProblem:
    where = f" ({error.where})" if error.where else ""
    return SyncProblem(
        branch=commit.branch, commit=commit.commit, path=path, code=error.code, message=f"{error.message}{where}"
    )


def _wait(session: WriteSession, repository: Repository, commit: CommitFacts, found: Unpushed) -> None:
    pointer, now = found.pointer, session.now()
    standing = session.scalar(
        select(WaitingPointer).where(
            WaitingPointer.repository_id == repository.id,
            WaitingPointer.branch == commit.branch,
            WaitingPointer.path == pointer.path,
            WaitingPointer.commit == commit.commit,
        )
    )
    if standing is not None:
        standing.dataset = pointer.dataset
        return
    session.add(
        WaitingPointer(
            id=new_id(),
            repository_id=repository.id,
            branch=commit.branch,
            path=pointer.path,
            commit=commit.commit,
            author=commit.author,
            message=commit.message,
            committed_at=datetime.fromtimestamp(commit.committed_at, UTC),
            dataset=pointer.dataset,
            md5=pointer.md5,
            text=pointer.text,
            missing=found.first,
            missing_count=found.count,
            since=now,
            look_at=now + _SOONEST,
        )
    )
    session.flush()
    emit(
        session,
        PointerWaits(
            subject=f"repositories/{repository.name}",
            repository=repository.name,
            path=pointer.path,
            commit=commit.commit,
            dataset=pointer.dataset,
            missing=found.count,
        ),
    )


def _drop_waiting(
    session: WriteSession, repository: Repository, branch: str, path: str, reason: str, *, before: str | None = None
) -> None:
    query = select(WaitingPointer).where(
        WaitingPointer.repository_id == repository.id, WaitingPointer.branch == branch, WaitingPointer.path == path
    )
    for waiting in session.scalars(query if before is None else query.where(WaitingPointer.id < before)).all():
        _dropped(session, repository, waiting, reason)


def _dropped(session: WriteSession, repository: Repository, waiting: WaitingPointer, reason: str) -> None:
    emit(
        session,
        PointerDropped(
            subject=f"repositories/{repository.name}",
            repository=repository.name,
            path=waiting.path,
            commit=waiting.commit,
            dataset=waiting.dataset,
            reason=reason,
        ),
    )
    session.delete(waiting)
    session.flush()


def _remember_code(session: WriteSession, repository: Repository, commit: CommitFacts) -> None:
    known = select(CodeVersion.id).where(
        CodeVersion.repository_id == repository.id,
        CodeVersion.branch == commit.branch,
        CodeVersion.commit == commit.commit,
    )
    if not commit.changed or session.scalar(known) is not None:
        return
    session.add(
        CodeVersion(
            id=new_id(),
            repository_id=repository.id,
            branch=commit.branch,
            commit=commit.commit,
            author=commit.author,
            message=commit.message,
            changed=commit.changed,
            paths=commit.paths[:MAX_PATHS],
            committed_at=datetime.fromtimestamp(commit.committed_at, UTC),
            recorded_at=session.now(),
        )
    )
    session.flush()


def put_off(session: WriteSession, *, waiting_ids: Sequence[str]) -> None:
    """These pointers still wait: look at them later, the later the longer they have waited."""
    now = session.now()
    for waiting in session.scalars(select(WaitingPointer).where(WaitingPointer.id.in_(waiting_ids))):
        waiting.look_at = _next_look(waiting.since, now)


def _next_look(since: datetime, now: datetime) -> datetime:
    return now + min(_LATEST, max(_SOONEST, (now - since) / 4))
