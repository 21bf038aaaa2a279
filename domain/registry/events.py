"""What happens to models, their versions and their aliases."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ModelCreated(Event):
    """There is a new model, without versions."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ModelVersionCreated(Event):
    """A finished run became a version of a model; its checks follow."""

    model: str
    number: int
    version_id: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class ModelVersionRefused(Event):
    """A finished run asked to be a version of `model` and cannot be."""

    model: str
    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ModelVersionArchived(Event):
    """The version can no longer be promoted or rolled out."""

    model: str
    number: int


@dataclass(frozen=True, kw_only=True)
class AliasMoved(Event):
    """`previous` is the number the alias pointed at before; None when it is new."""

    model: str
    alias: str
    number: int
    previous: int | None


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(Event):
    """The model has another policy; versions are checked by it anew."""

    model: str
    policy_version: int


@dataclass(frozen=True, kw_only=True)
class ModelChanged(Event):
    """What people say about the model: `fields` names what changed."""

    model: str
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class ModelVersionChanged(Event):
    """Somebody wrote something else about the version."""

    model: str
    number: int
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class AliasChangedOutside(Event):
    """MLflow's alias is not where ours is, and we did not move it. `found` is MLflow's number, `number` ours."""

    model: str
    change_id: str
    alias: str
    found: str | None
    number: int | None
    expected: int | None
    policy: str
    who: str | None
    changed_at: str | None


@dataclass(frozen=True, kw_only=True)
class VersionRegisteredOutside(Event):
    """MLflow's registry has a version of this model that we do not know."""

    model: str
    found: str
    who: str | None
    changed_at: str | None


@dataclass(frozen=True, kw_only=True)
class VersionRemovedOutside(Event):
    """MLflow's registry does not have a version any more that we had put there."""

    model: str
    number: int
    version_id: str
    policy: str


@dataclass(frozen=True, kw_only=True)
class OutsideChangeAcknowledged(Event):
    """Somebody has seen what was changed in MLflow."""

    model: str
    change_id: str
