"""The states of a dataset version and the moves between them: a pure table."""

from enum import StrEnum


class VersionState(StrEnum):
    REGISTERED = "registered"
    VALIDATED = "validated"
    REJECTED = "rejected"
    DELETED = "deleted"


# A later check with another suite may overturn the verdict; nothing makes a version unchecked again, and nothing
# brings a deleted one back: the same bytes are a new version then.
MOVES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.REGISTERED: frozenset({VersionState.VALIDATED, VersionState.REJECTED, VersionState.DELETED}),
    VersionState.VALIDATED: frozenset({VersionState.REJECTED, VersionState.DELETED}),
    VersionState.REJECTED: frozenset({VersionState.VALIDATED, VersionState.DELETED}),
    VersionState.DELETED: frozenset(),
}


def may_move(old: VersionState, new: VersionState) -> bool:
    return new in MOVES[old]
