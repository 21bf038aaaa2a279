"""What happens to datasets and their versions. A version's subject is `datasets/{name}/versions/{n}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class DatasetCreated(Event):
    """There is a new dataset, without versions."""

    name: str


@dataclass(frozen=True, kw_only=True)
class DatasetUpdated(Event):
    """Its description was changed."""

    name: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class DatasetArchived(Event):
    """The dataset takes no more versions and is not listed."""

    name: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionCreated(Event):
    """New content became a version; its checks follow."""

    dataset: str
    number: int
    version_id: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionValidated(Event):
    """The version passed its checks and may be trained on."""

    dataset: str
    number: int
    version_id: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionRejected(Event):
    """The checks found errors; nothing is trained on it unless forced."""

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
    """The dataset is built by another recipe from now on."""

    name: str
    number: int
    follows: list[str]


@dataclass(frozen=True, kw_only=True)
class DatasetRecipeWithdrawn(Event):
    """The dataset is no longer built by a recipe."""

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
    """Somebody wants this version kept, and says why."""

    dataset: str
    number: int
    version_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersionUnpinned(Event):
    """The version may be collected again."""

    dataset: str
    number: int
    version_id: str
