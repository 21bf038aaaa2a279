"""What is needed and what is not: the rule behind every plan and every deletion. Pure.

A content stays when a root names it or it is young; a chunk stays when a content that stays is made of it, or when
another chunk that stays is a difference from it; a pack stays as long as it holds such a chunk.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

DEAD_SHARE = 0.3
"""A pack of which more than this is dead is rewritten without it; below, the room is not worth the copying."""


class RootKind(StrEnum):
    """What can need a content."""

    VERSIONS = "dataset_versions"
    PINS = "pins"
    RUNS = "runs"
    MODELS = "model_versions"
    PROMOTIONS = "promotions"
    ENDPOINTS = "endpoints"
    BATCHES = "batch_predictions"
    OBJECTS = "dvc_objects"
    OTHERS = "other_tables"
    JOBS = "jobs_in_flight"
    GRACE = "grace_period"


class Fate(StrEnum):
    """What becomes of a pack. An unnamed one has no row: a process died before that was written. It goes."""

    UNNAMED = "unnamed"
    DELETED = "deleted"
    COMPACTED = "compacted"
    KEPT = "kept"


def kept_by(
    digest: str,
    needed_at: datetime,
    *,
    needed: Mapping[RootKind, Collection[str]],
    young_since: datetime,
    jobs_since: datetime | None,
) -> list[RootKind]:
    """Every kind of root that keeps this content; none: nothing needs it.

    `needed` says which contents each kind names. What arrived since `young_since`, or since the oldest job in flight
    began (`jobs_since`), may be about to become part of something.
    """
    kinds = [kind for kind, digests in needed.items() if digest in digests]
    if needed_at >= young_since:
        kinds.append(RootKind.GRACE)
    if jobs_since is not None and needed_at >= jobs_since:
        kinds.append(RootKind.JOBS)
    return kinds


def drop_reached(candidates: set[bytes], recipes: Iterable[Iterable[bytes]]) -> None:
    """Take out of `candidates` every chunk that a content is made of."""
    for recipe in recipes:
        candidates.difference_update(recipe)


def drop_bases(dead: set[bytes], differences: Iterable[tuple[bytes, bytes]]) -> None:
    """Take out of `dead` what a chunk that stays is a difference from; `differences` are pairs of chunk and base."""
    pairs = [(chunk, base) for chunk, base in differences if base in dead]
    while kept := {base for chunk, base in pairs if chunk not in dead and base in dead}:
        dead -= kept  # a base that is a difference itself keeps its own base: once more


def fate_of(*, payload: int, live: int) -> Fate:
    """What becomes of a pack with so many bytes of frames, `live` of which are in use."""
    if live == 0:
        return Fate.DELETED
    return Fate.COMPACTED if payload - live > DEAD_SHARE * payload else Fate.KEPT
