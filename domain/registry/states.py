"""The states of a model version and the moves between them: a pure table."""

from enum import StrEnum


class VersionState(StrEnum):
    REGISTERED = "registered"
    CHECKED = "checked"
    ARCHIVED = "archived"


MOVES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.REGISTERED: frozenset({VersionState.CHECKED, VersionState.ARCHIVED}),
    VersionState.CHECKED: frozenset({VersionState.ARCHIVED}),
    VersionState.ARCHIVED: frozenset(),
}


def may_move(old: VersionState, new: VersionState) -> bool:
    """Whether a model version may go from `old` to `new`."""
    return new in MOVES[old]
