"""What happens to datasets and their versions. A version's subject is `datasets/{name}/versions/{n}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class DatasetCreated(Event):
    name: str


@dataclass(frozen=True, kw_only=True)
class DatasetUpdated(Event):
    name: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class DatasetArchived(Event):
    name: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionCreated(Event):
    dataset: str
    number: int
    version_id: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionValidated(Event):
    dataset: str
    number: int
    version_id: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionRejected(Event):
    dataset: str
    number: int
    version_id: str
    reasons: list[str]


@dataclass(frozen=True, kw_only=True)
class DatasetVersionBuilt(Event):
    """A build came to this version: a new one (`created`), or one that was already there."""

    dataset: str
    number: int
    version_id: str
    job_id: str
    created: bool
    state: str


@dataclass(frozen=True, kw_only=True)
class DatasetRecipeChanged(Event):
    name: str
    number: int
    follows: list[str]


@dataclass(frozen=True, kw_only=True)
class DatasetRecipeWithdrawn(Event):
    name: str
    number: int


@dataclass(frozen=True, kw_only=True)
class DatasetVersionDeleted(Event):
    """Its number stays taken; its bytes go with the next collection, unless something else has them too."""

    dataset: str
    number: int
    version_id: str
    digest: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionPinned(Event):
    dataset: str
    number: int
    version_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionUnpinned(Event):
    dataset: str
    number: int
    version_id: str
