"""`Mirror`: a bare clone that may be lost at any time, read commit by commit. Made and used by workers."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from adapters.git import Git, GitLimits, RemoteAway, plain
from adapters.git_access import GitAccess
from domain.errors import NotFound, Unavailable
from domain.repositories.addresses import GitAddress

# Larger files are data or binaries, and are not fetched where the other side can leave them out.
_FILTER = "blob:limit=1m"
# What a server calls otherwise is not asked for.
_BRANCH = re.compile(r"refs/heads/(?!.*(\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\\[\ufffd]+")
_LONGEST_NAME = 250


class UnknownRevision(NotFound):
    code = "unknown_revision"


class MirrorBusy(Unavailable):
    """Another process works on this clone."""

    code = "git_mirror_busy"


@dataclass(frozen=True)
class Heads:
    """What the remote has now: its branches with their commits, and which one HEAD names."""

    default: str | None
    branches: Mapping[str, str]


@dataclass(frozen=True)
class Commit:
    id: str
    parent: str | None
    author: str
    message: str
    committed_at: float


@dataclass(frozen=True)
class Entry:
    """A file in a commit. `mode` is git's: 100644, 100755, 120000 for a link, 160000 for a submodule, none: gone."""

    mode: str
    id: str
    path: str

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_file(self) -> bool:
        return self.mode in {"100644", "100755"}


class Mirror:
    """The clone of `address` in `folder`, which may be lost at any time. One process works on it at once (`held`)."""

    def __init__(self, folder: Path, address: GitAddress, access: GitAccess, limits: GitLimits) -> None:
        self.folder = folder
        self._address = address
        self._git = Git(folder, address, access, limits)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works on the clone meanwhile. Raises MirrorBusy when somebody does."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_suffix(".lock").open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise MirrorBusy("Another process of this machine reads the repository.") from error
            yield

    def heads(self) -> Heads:
        """Ask the remote which branches it has."""
        told = self._git.ask("ls-remote", "--symref", "--", self._address.text, "HEAD", "refs/heads/*")
        default, branches = None, {}
        for line in told.decode("utf-8", "replace").splitlines():
            value, _, name = line.partition("\t")
            if name == "HEAD" and value.startswith("ref: refs/heads/"):
                default = value.removeprefix("ref: refs/heads/")
            elif _BRANCH.fullmatch(name) and len(name) <= _LONGEST_NAME:
                branches[name.removeprefix("refs/heads/")] = value
        return Heads(default, branches)

    def fetch(self, branches: Sequence[str]) -> None:
        """Bring these branches here. Where that fails although the remote answers, the clone is made anew, once."""
        refs = [f"+refs/heads/{name}:refs/heads/{name}" for name in branches]
        fresh = not self._git.is_there
        try:
            self._fetch(refs)
        except RemoteAway:
            if fresh:
                raise
            self.heads()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._fetch(refs)

    def fetch_revision(self, rev: str) -> str:
        """Bring one revision (a branch, a tag, HEAD or a commit) here, and its commit. Raises UnknownRevision."""
        told = self._git.ask("ls-remote", "--", self._address.text, "HEAD", f"refs/heads/{rev}", f"refs/tags/{rev}")
        names = {line.partition("\t")[2] for line in told.decode("utf-8", "replace").splitlines()}
        name = next((one for one in (f"refs/heads/{rev}", f"refs/tags/{rev}") if one in names), None)
        if rev == "HEAD" and "HEAD" in names:
            name = "HEAD"
        if name is not None:
            self._fetch([f"+{name}:refs/wanted/one"], whole=True)
            return self._commit_of("refs/wanted/one", rev)
        if not (len(rev) >= 7 and all(char in "0123456789abcdef" for char in rev)):
            raise _unknown(rev, self._address)
        self._fetch(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"], whole=True)
        return self._commit_of(rev, rev)

    def tip(self, branch: str) -> str:
        return (
            self._git.read("rev-parse", "--verify", "--end-of-options", f"refs/heads/{branch}^{{commit}}")
            .decode()
            .strip()
        )

    def has(self, commit: str) -> bool:
        return self._git.says("cat-file", "-e", f"{commit}^{{commit}}")

    def contains(self, tip: str, commit: str) -> bool:
        """Whether `commit` is in the history of `tip`."""
        return self.has(commit) and self._git.says("merge-base", "--is-ancestor", commit, tip)

    def contains_in(self, branch: str, commit: str) -> bool:
        """Whether `commit` is in the history of the branch, as far as the branch is here."""
        return self._git.is_there and self.contains(f"refs/heads/{branch}", commit)

    def commits(self, tip: str, *, after: str | None, limit: int) -> list[str]:
        """Commits of the branch's own line up to `tip`, oldest first, that are not in the history of `after`."""
        order = ["rev-list", "--first-parent", "--reverse", "--end-of-options", tip]
        told = self._git.read(*order, *([f"^{after}"] if after else [])).decode().split()
        return told[:limit]

    def commit(self, commit: str) -> Commit:
        fields = self._git.read(
            "log",
            "-1",
            "--no-show-signature",
            "--encoding=UTF-8",
            "--format=%H%x00%P%x00%an <%ae>%x00%ct%x00%B",
            commit,
        )
        id_, parents, author, at, message = fields.decode("utf-8", "replace").split("\0", 4)
        parent = parents.split()[0] if parents else None
        return Commit(id_, parent, plain(author)[:200], plain(message.strip())[:5_000], float(at))

    def changes(self, commit: Commit) -> list[Entry]:
        """Files that differ from the first parent (all of them in a first commit); what is gone has no mode."""
        if commit.parent is None or not self.has(commit.parent):
            return self.tree(commit.id)
        told = self._git.read("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", commit.parent, commit.id)
        parts = told.split(b"\0")
        found = []
        for facts, path in zip(parts[::2], parts[1::2], strict=False):
            _, mode, _, id_, status = facts.decode().split()
            found.append(Entry("" if status == "D" else mode, id_, os.fsdecode(path)))
        return found

    def tree(self, commit: str, *paths: str) -> list[Entry]:
        """Every file in a commit, or those at and below the paths."""
        told = self._git.read("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        found = []
        for line in filter(None, told.split(b"\0")):
            facts, _, path = line.partition(b"\t")
            mode, _, id_ = facts.decode().split()
            found.append(Entry(mode, id_, os.fsdecode(path)))
        return found

    def last_change(self, commit: str, path: str) -> str:
        """The newest commit up to `commit` that changed the file."""
        return (
            self._git.read("--literal-pathspecs", "log", "-1", "--format=%H", commit, "--", path).decode().strip()
            or commit
        )

    def text(self, entry: Entry, *, max_bytes: int) -> str | None:
        """A file's text; None when it is larger than `max_bytes`, not UTF-8, or was left out of the fetch."""
        try:
            if int(self._git.read("cat-file", "-s", entry.id)) > max_bytes:
                return None
            return self._git.read("cat-file", "blob", entry.id).decode()
        except (RemoteAway, UnicodeDecodeError):
            return None

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the files of a commit; links are written as files that hold their target."""
        folder.mkdir(parents=True)
        self._git.read("--work-tree", str(folder), "checkout", "--quiet", "--force", "--detach", commit, seconds=600.0)

    def _commit_of(self, ref: str, rev: str) -> str:
        try:
            return self._git.read("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
        except RemoteAway as error:
            raise _unknown(rev, self._address) from error

    def _fetch(self, refs: Sequence[str], *, whole: bool = False) -> None:
        if not self._git.is_there:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._git.read("init", "--quiet", "--bare", "--template=", ".")
        self._git.read("config", "remote.origin.url", self._address.text)
        few = [] if whole or self._address.kind == "local" else [f"--filter={_FILTER}"]
        options = ["--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", *few]
        self._git.ask("fetch", *options, "--", "origin", *refs)


def _unknown(rev: str, address: GitAddress) -> UnknownRevision:
    return UnknownRevision(
        f"{address.text} has no revision {rev!r}.",
        where="source.rev",
        fix="Name a branch, a tag, or a commit of at least 7 hex digits.",
    )
