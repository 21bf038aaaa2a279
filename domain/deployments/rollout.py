"""The states of a rollout and what moves it: a pure machine over (state, happening)."""

from enum import StrEnum


class RolloutState(StrEnum):
    PREPARING = "preparing"
    VERIFYING = "verifying"
    SWITCHED = "switched"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


class Happening(StrEnum):
    """What can happen to a rollout. `loaded`: green is warm everywhere; `proven`: its probes answered rightly."""

    LOADED = "loaded"
    PROVEN = "proven"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"


NEXT: dict[tuple[RolloutState, Happening], RolloutState] = {
    (RolloutState.PREPARING, Happening.LOADED): RolloutState.VERIFYING,
    (RolloutState.PREPARING, Happening.FAILED): RolloutState.ABORTED,
    (RolloutState.VERIFYING, Happening.PROVEN): RolloutState.SWITCHED,
    (RolloutState.VERIFYING, Happening.FAILED): RolloutState.ABORTED,
    (RolloutState.SWITCHED, Happening.ROLLED_BACK): RolloutState.ROLLED_BACK,
    (RolloutState.SWITCHED, Happening.SUPERSEDED): RolloutState.RETIRED,
}
ACTIVE = frozenset({RolloutState.PREPARING, RolloutState.VERIFYING})
# States of a rollout whose version answers, or has answered.
HAS_ANSWERED = frozenset({RolloutState.SWITCHED, RolloutState.RETIRED, RolloutState.ROLLED_BACK})


def next_state(state: RolloutState, happening: Happening) -> RolloutState | None:
    """Where `happening` takes a rollout in `state`; None when it cannot happen there."""
    return NEXT.get((state, happening))
