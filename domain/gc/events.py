"""What happens to plans, and to the store by them. A plan's subject is `gc/plans/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class CollectionPlanned(Event):
    """What a collection would delete is known."""

    plan_id: str
    contents: int
    chunks: int
    freed_bytes: int


@dataclass(frozen=True, kw_only=True)
class CollectionStarted(Event):
    """The collection deletes what its plan names."""

    plan_id: str


@dataclass(frozen=True, kw_only=True)
class ContentsDeleted(Event):
    """A part of a plan: these contents are gone."""

    plan_id: str
    digests: list[str]


@dataclass(frozen=True, kw_only=True)
class CollectionDone(Event):
    """The collection has deleted what nothing needs."""

    plan_id: str
    contents: int
    chunks: int
    packs: int
    freed_bytes: int


@dataclass(frozen=True, kw_only=True)
class CollectionFailed(Event):
    """The collection stopped; what it had not deleted is there."""

    plan_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CollectionCancelled(Event):
    """The plan of a collection was dropped."""

    plan_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StoreRepacked(Event):
    """Small packs became larger ones; sizes in bytes."""

    packs_before: int
    packs_after: int
    bytes_before: int
    bytes_after: int
