"""What happens to repositories. A repository's subject is `repositories/{name}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class RepositoryRegistered(Event):
    """A Git repository is followed from now on."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class RepositoryChanged(Event):
    """The repository is followed by other rules."""

    name: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class RepositoryRemoved(Event):
    """The repository is no longer followed."""

    name: str


@dataclass(frozen=True, kw_only=True)
class RepositorySynced(Event):
    """A sync saw something new: how many commits, which versions came of them, what waits and what was wrong."""

    name: str
    commits: int
    versions: list[str]
    waiting: int
    problems: list[str]


@dataclass(frozen=True, kw_only=True)
class RepositorySyncFailed(Event):
    """The repository could not be read."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PointerWaits(Event):
    """A commit points to objects that have not been pushed yet."""

    repository: str
    path: str
    commit: str
    dataset: str
    missing: int


@dataclass(frozen=True, kw_only=True)
class PointerDropped(Event):
    """A pointer that waited will not become a version any more."""

    repository: str
    path: str
    commit: str
    dataset: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CodeChanged(Event):
    """Files that are not data changed on a followed branch: `paths` are (at most 500 of) the `changed` ones."""

    repository: str
    branch: str
    commit: str
    commits: int
    changed: int
    paths: list[str]
    message: str
