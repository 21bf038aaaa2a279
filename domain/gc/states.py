"""The states of a plan and the moves between them: a pure table."""

from enum import StrEnum


class PlanState(StrEnum):
    COMPUTING = "computing"
    READY = "ready"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A plan that failed goes on when its job is retried: what was done stays done.
MOVES: dict[PlanState, frozenset[PlanState]] = {
    PlanState.COMPUTING: frozenset({PlanState.READY, PlanState.FAILED, PlanState.CANCELLED}),
    PlanState.READY: frozenset({PlanState.EXECUTING, PlanState.CANCELLED}),
    PlanState.EXECUTING: frozenset({PlanState.DONE, PlanState.FAILED}),
    PlanState.DONE: frozenset(),
    PlanState.FAILED: frozenset({PlanState.COMPUTING, PlanState.EXECUTING, PlanState.CANCELLED}),
    PlanState.CANCELLED: frozenset(),
}


def may_move(old: PlanState, new: PlanState) -> bool:
    return new in MOVES[old]
