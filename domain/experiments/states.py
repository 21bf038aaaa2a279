"""The states of a run and the moves between them: a pure table."""

from enum import StrEnum


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A person may retry the job of a run that failed or was cancelled; nothing leaves `finished`.
MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.RUNNING: frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED}),
    RunState.FINISHED: frozenset(),
    RunState.FAILED: frozenset({RunState.RUNNING}),
    RunState.CANCELLED: frozenset({RunState.RUNNING}),
}
ENDED = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED})


def may_move(old: RunState, new: RunState) -> bool:
    """Whether a run may go from `old` to `new`."""
    return new in MOVES[old]
