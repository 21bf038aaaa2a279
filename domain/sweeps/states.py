"""The states of a sweep and the moves between them: a pure table. And how a trial stands."""

from enum import StrEnum


class SweepState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES: dict[SweepState, frozenset[SweepState]] = {
    SweepState.RUNNING: frozenset({SweepState.SUCCEEDED, SweepState.FAILED, SweepState.CANCELLED}),
    SweepState.SUCCEEDED: frozenset(),
    SweepState.FAILED: frozenset(),
    SweepState.CANCELLED: frozenset(),
}


class TrialState(StrEnum):
    """Waiting for its turn, or never to have one (skipped, refused); else as its run: pending is queued."""

    WAITING = "waiting"
    SKIPPED = "skipped"
    REFUSED = "refused"
    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


def may_move(old: SweepState, new: SweepState) -> bool:
    """Whether a sweep may go from `old` to `new`."""
    return new in MOVES[old]
