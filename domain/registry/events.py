"""What happens to models, their versions and their aliases."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ModelCreated(Event):
    name: str


@dataclass(frozen=True, kw_only=True)
class ModelVersionCreated(Event):
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
    model: str
    policy_version: int
