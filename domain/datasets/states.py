"""The states of a dataset version and the moves between them: a pure table."""

from enum import StrEnum


class VersionState(StrEnum):
    REGISTERED = "registered"
    VALIDATED = "validated"
    REJECTED = "rejected"


# A later check with another suite may overturn the verdict; nothing makes a version unchecked again.
MOVES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.REGISTERED: frozenset({VersionState.VALIDATED, VersionState.REJECTED}),
    VersionState.VALIDATED: frozenset({VersionState.REJECTED}),
    VersionState.REJECTED: frozenset({VersionState.VALIDATED}),
}


def may_move(old: VersionState, new: VersionState) -> bool:
    return new in MOVES[old]
