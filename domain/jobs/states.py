"""The states of a job and the moves between them: a pure table, plus the backoff of a retry."""

from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}
ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


def may_move(old: JobState, new: JobState) -> bool:
    """Whether a job may go from `old` to `new`; a person's retry takes an ended, unsuccessful job back to the queue."""
    return new in MOVES[old]


def backoff_seconds(attempt: int, *, base: float = 2.0, cap: float = 300.0) -> float:
    """How long the next attempt waits after `attempt` failed ones: 2, 4, 8 ... capped, seconds."""
    return min(cap, base * 2.0 ** (attempt - 1))
