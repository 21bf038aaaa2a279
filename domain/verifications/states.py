"""The states of a verification and the moves between them: a pure table."""

from enum import StrEnum


class VerificationState(StrEnum):
    RUNNING = "running"
    CLEAN = "clean"
    DAMAGED = "damaged"
    FAILED = "failed"


# One that failed is taken up again when its job is retried.
MOVES: dict[VerificationState, frozenset[VerificationState]] = {
    VerificationState.RUNNING: frozenset(
        {VerificationState.CLEAN, VerificationState.DAMAGED, VerificationState.FAILED}
    ),
    VerificationState.CLEAN: frozenset(),
    VerificationState.DAMAGED: frozenset(),
    VerificationState.FAILED: frozenset({VerificationState.RUNNING}),
}


def may_move(old: VerificationState, new: VerificationState) -> bool:
    return new in MOVES[old]
