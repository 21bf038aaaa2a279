"""Jobs of repositories: look what moved, and take it over; and the look for objects that pointers wait for."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.git import GitLimits
from adapters.git_access import GitAccess
from adapters.git_mirror import Commit, Entry, Heads, Mirror
from domain.datasets.dvc import BadPointer, Pointer, parse_pointer
from domain.datasets.manifest import checked_path
from domain.datasets.queries import get_dataset
from domain.datasets.service import refuse_archived
from domain.errors import DomainError, Invalid
from domain.repositories import findings, queries, service
from domain.repositories.addresses import parse_address
from domain.repositories.findings import Outcome, Pushed, Unpushed
from domain.repositories.jobs import SyncRepository
from domain.repositories.models import Repository
from domain.repositories.pointers import DvcConfig, dataset_of, follows, is_code, is_pointer, parse_config
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
from workers.pointed import MissingObjects, entries_of, has_object
from workers.run import RunningJob
from workers.toolbox import Toolbox

MIRRORS = "repositories"
_POINTER_BYTES = 2**16
_WAITING_AT_ONCE = 200
_NO_CONFIG = DvcConfig(None, {})


class LinkRefused(Invalid):
    """A pointer is a symbolic link: what it leads to is no part of the commit."""

    code = "link_refused"


class TooManyBranches(Invalid):
    code = "too_many_branches"


@dataclass
class _Findings:
    """What the sync has come to so far."""

    commits: int = 0
    branches: dict[str, str] = field(default_factory=dict)
    versions: list[SyncVersion] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    problems: list[SyncProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    again: bool = False

    def add(self, outcome: Outcome) -> None:
        self.versions += outcome.versions
        self.problems += outcome.problems

    def report(self, waiting: int) -> SyncReport:
        return SyncReport(
            commits=self.commits,
            branches=self.branches,
            versions=self.versions[-MAX_LISTED:],
            waiting=waiting,
            unmapped=list(dict.fromkeys(self.unmapped))[:MAX_LISTED],
            problems=self.problems[:MAX_LISTED],
            notes=self.notes[:MAX_LISTED],
        )


def sync_repository(job: RunningJob[SyncRepository], tools: Toolbox) -> dict[str, object]:
    """Take over what was pushed: first what pointers waited for, then the new commits of each followed branch."""
    mirrors = list((tools.scratch / MIRRORS).glob("*"))
    with job.transaction() as session:
        repository = service.begin_sync(session, repository_id=job.spec.repository_id, job_id=job.id)
        if repository is None:
            return {"skipped": "another sync is on it, and one more follows"}
        rescan, known = repository.rescan, queries.repository_ids(session)
    # Those that were here before it was asked who is known: a repository may be registered meanwhile.
    _forget(mirrors, known)
    sync = _Sync(job, tools, repository)
    job.stage("recheck")
    sync.recheck_waiting()
    job.stage("fetch")
    mirror = mirror_of(tools, repository)
    with mirror.held():
        heads = mirror.heads()
        sync.read(mirror, heads, rescan=rescan)
        arrived = sync.arrived(mirror, heads)
    job.stage("record")
    with job.transaction() as session:
        report = sync.found.report(queries.count_waiting(session, repository.id))
        findings.finish(
            session,
            repository_id=repository.id,
            report=report,
            arrived=arrived,
            again=sync.found.again,
            rescanned=repository.revision if rescan else None,
        )
    return report.as_json()


def look_for_pushed_objects(tools: Toolbox) -> None:
    """Every tick: are the objects there that pointers wait for? One question each, the rarer the longer it waits."""
    with tools.runtime.reading() as session:
        waiting = queries.waiting_to_look_at(session, now=tools.runtime.clock(), limit=_WAITING_AT_ONCE)
    if not waiting:
        return
    came = {one.repository_id for one in waiting if has_object(tools.runtime, one.dataset, one.missing)}
    with tools.runtime.transaction() as session:
        findings.put_off(session, waiting_ids=[one.id for one in waiting])
        for repository_id in sorted(came):
            service.request_sync(session, name=queries.get_repository_by_id(session, repository_id).name)


def mirror_of(tools: Toolbox, repository: Repository) -> Mirror:
    settings = tools.runtime.settings
    folder = tools.scratch / MIRRORS / repository.id
    return Mirror(folder, parse_address(repository.address), GitAccess.of(settings), GitLimits.of(settings))


def _forget(mirrors: Sequence[Path], known: set[str]) -> None:
    """Remove clones of repositories that are not followed any more."""
    for folder in mirrors:
        if folder.is_dir() and folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)


class _Sync:
    """One look at one repository."""

    def __init__(self, job: RunningJob[SyncRepository], tools: Toolbox, repository: Repository) -> None:
        self.found = _Findings()
        self._job = job
        self._runtime = tools.runtime
        self._tools = tools
        self._repository = repository
        self._configs: dict[str, DvcConfig] = {}

    def recheck_waiting(self) -> None:
        """Pointers whose objects have been pushed since become versions, in the order of their commits."""
        with self._tools.runtime.reading() as session:
            waiting = queries.waiting_of(session, self._repository.id)
        for one in waiting:
            try:
                entries = entries_of(self._runtime, one.dataset, parse_pointer(one.text))
            except Invalid as error:
                with self._job.transaction() as session:
                    findings.drop(session, waiting_id=one.id, reason=error.message)
                continue
            if isinstance(entries, MissingObjects):
                if entries.first != one.missing:
                    with self._job.transaction() as session:
                        findings.still_missing(session, waiting_id=one.id, first=entries.first, count=entries.count)
                continue
            with self._job.transaction() as session:
                self.found.add(findings.record_arrival(session, waiting_id=one.id, entries=entries))

    def read(self, mirror: Mirror, heads: Heads, *, rescan: bool) -> None:
        """Bring every followed branch that moved, and take over its new commits."""
        default = self._repository.default_branch or heads.default
        followed = {
            name: commit
            for name, commit in sorted(heads.branches.items())
            if follows(name, self._repository.branches, default)
        }
        if len(followed) > MAX_LISTED:
            raise TooManyBranches(
                f"{len(followed)} branches would be followed.", where="branches", fix=f"At most {MAX_LISTED}."
            )
        with self._tools.runtime.reading() as session:
            rows = {row.name: row for row in queries.branches_of(session, self._repository.id)}
        moved = [
            name
            for name, commit in followed.items()
            if rescan or name not in rows or rows[name].commit != commit or rows[name].gone_at is not None
        ]
        if not followed:
            self.found.notes.append("no branch is followed: name one that is there")
        gone = [name for name, row in rows.items() if name not in heads.branches and row.gone_at is None]
        with self._job.transaction() as session:
            findings.see_branches(session, repository_id=self._repository.id, default=default, gone=gone)
        self.found.notes += [f"{name}: the branch is gone" for name in gone]
        self.found.notes += [
            f"{name}: there is no such branch"
            for name in self._repository.branches
            if not any(follows(branch, [name], None) for branch in [*heads.branches, *gone])
        ]
        for name in moved if self._bring(mirror, moved) else ():
            self._read_branch(mirror, name, rows[name].commit if name in rows else None, rescan=rescan)

    def arrived(self, mirror: Mirror, heads: Heads) -> list[Expectation]:
        """The announced pushes that are here."""
        with self._tools.runtime.reading() as session:
            waiting = queries.get_repository_by_id(session, self._repository.id).expected
        return [
            one
            for one in map(Expectation.model_validate, waiting)
            if (one.commit is None and one.branch not in heads.branches)
            or (one.commit is not None and one.branch in heads.branches and mirror.contains_in(one.branch, one.commit))
            # A branch that is not followed is not brought here: its tip has to do.
            or heads.branches.get(one.branch) == one.commit
        ]

    def _bring(self, mirror: Mirror, branches: Sequence[str]) -> bool:
        if branches:
            self._job.progress(0.1, f"fetching {', '.join(branches[:5])}")
            mirror.fetch(branches)
        self._job.stage("read")
        return bool(branches)

    def _read_branch(self, mirror: Mirror, branch: str, last: str | None, *, rescan: bool) -> None:
        tip = mirror.tip(branch)
        if last is None or not mirror.has(last):
            if last is not None:
                self.found.notes.append(f"{branch}: history was rewritten, and its old commits are gone")
            self._read_state(mirror, branch, tip, quietly=last is None)
        else:
            if not mirror.contains(tip, last):
                self.found.notes.append(f"{branch}: history was rewritten")
            self._read_commits(mirror, branch, tip, last)
            if rescan:
                self._read_pointers(mirror, branch, tip)
        self.found.branches[branch] = tip

    def _read_commits(self, mirror: Mirror, branch: str, tip: str, last: str) -> None:
        most = self._tools.runtime.settings.git_max_commits
        commits = mirror.commits(tip, after=last, limit=most + 1)
        whole = len(commits) <= most
        if not whole:
            commits, self.found.again = commits[:most], True
            self.found.notes.append(f"{branch}: the first {most} new commits; the next sync goes on")
        for place, commit_id in enumerate(commits):
            self._job.progress(0.2 + 0.7 * place / len(commits), f"{branch}: {commit_id[:12]}")
            commit = mirror.commit(commit_id)
            self._take(mirror, branch, commit, mirror.changes(commit))
        with self._job.transaction() as session:
            repository = queries.get_repository_by_id(session, self._repository.id)
            findings.announce_code(session, repository=repository, branch=branch)
            if whole:  # also where there were none: the branch went back to an older commit
                findings.read_branch(session, repository=repository, branch=branch, commit=tip)

    def _read_state(self, mirror: Mirror, branch: str, tip: str, *, quietly: bool) -> None:
        """A branch seen for the first time: what is there now, without how it came about."""
        self._read_pointers(mirror, branch, tip)
        self._take(mirror, branch, mirror.commit(tip), [one for one in mirror.tree(tip) if not is_pointer(one.path)])
        with self._job.transaction() as session:
            repository = queries.get_repository_by_id(session, self._repository.id)
            findings.announce_code(session, repository=repository, branch=branch, quietly=quietly)

    def _read_pointers(self, mirror: Mirror, branch: str, tip: str) -> None:
        """Every pointer as it is at the tip, each as of the commit that changed it last."""
        by_commit: dict[str, list[Entry]] = {}
        for entry in mirror.tree(tip):
            if is_pointer(entry.path):
                by_commit.setdefault(mirror.last_change(tip, entry.path), []).append(entry)
        commits = sorted((mirror.commit(one) for one in by_commit), key=lambda one: one.committed_at)
        for commit in commits:
            self._take(mirror, branch, commit, by_commit[commit.id], config_at=tip)
        with self._job.transaction() as session:
            repository = queries.get_repository_by_id(session, self._repository.id)
            findings.read_branch(session, repository=repository, branch=branch, commit=tip)

    def _take(
        self, mirror: Mirror, branch: str, commit: Commit, changes: Sequence[Entry], *, config_at: str | None = None
    ) -> None:
        code = [change.path for change in changes if is_code(change.path)]
        facts = CommitFacts(
            branch=branch,
            commit=commit.id,
            author=commit.author,
            message=commit.message,
            committed_at=commit.committed_at,
            changed=len(code),
            paths=[path for path in code if path.isprintable()][:MAX_PATHS],
        )
        pointers = [change for change in changes if is_pointer(change.path)]
        pushed: list[Pushed] = []
        unpushed: list[Unpushed] = []
        for change in pointers:
            if not change.mode:
                continue
            try:
                taken = self._pointed(mirror, change, config_at or commit.id)
            except DomainError as error:
                self.found.problems.append(
                    findings.problem(facts, change.path.encode(errors="replace").decode(), error)
                )
                self._job.log(f"{commit.id[:12]} {change.path!r}: {error.message}", level="warning")
                continue
            if isinstance(taken, Pushed):
                pushed.append(taken)
            elif taken is not None:
                unpushed.append(taken)
        removed = [change.path for change in pointers if not change.mode and change.path.isprintable()]
        with self._job.transaction() as session:
            repository = queries.get_repository_by_id(session, self._repository.id)
            outcome = findings.record_commit(
                session, repository=repository, commit=facts, pushed=pushed, unpushed=unpushed, removed=removed
            )
        self.found.commits += 1
        self.found.add(outcome)

    def _pointed(self, mirror: Mirror, change: Entry, commit: str) -> Pushed | Unpushed | None:
        """What the pointer stands for; None when it belongs to no dataset. Raises what is wrong with it."""
        path = checked_path(change.path)
        if not change.is_file:
            what = "a symbolic link" if change.is_link else "not a file"
            raise LinkRefused(f"{path!r} is {what}, and is not followed.", where=path, fix="Commit the pointer itself.")
        text = mirror.text(change, max_bytes=_POINTER_BYTES)
        if text is None:
            raise BadPointer(f"{path!r} is not a text of at most {_POINTER_BYTES:,} bytes.", where=path)
        pointer = parse_pointer(text)
        dataset = self._dataset_of(mirror, path, pointer, commit)
        if dataset is None:
            self.found.unmapped.append(path)
            return None
        facts = PointerFacts(path=path, dataset=dataset, md5=pointer.md5, text=text)
        entries = entries_of(self._runtime, dataset, pointer)
        if isinstance(entries, MissingObjects):
            return Unpushed(facts, entries.first, entries.count)
        return Pushed(facts, entries)

    def _dataset_of(self, mirror: Mirror, path: str, pointer: Pointer, commit: str) -> str | None:
        with self._tools.runtime.reading() as session:
            known = queries.dataset_names(session)
        name = dataset_of(
            path,
            mapping=self._repository.pointers,
            remote=pointer.remote,
            config=self._config(mirror, commit),
            known=known,
        )
        if name is not None and name not in known:  # the repository names one that there is not
            with self._tools.runtime.reading() as session:
                refuse_archived(get_dataset(session, name))
        return name

    def _config(self, mirror: Mirror, commit: str) -> DvcConfig:
        """`.dvc/config` as it is in the commit."""
        for entry in mirror.tree(commit, ".dvc/config"):
            if entry.id not in self._configs and entry.is_file:
                self._configs[entry.id] = parse_config(mirror.text(entry, max_bytes=_POINTER_BYTES) or "")
            return self._configs.get(entry.id, _NO_CONFIG)
        return _NO_CONFIG
