"""The states of a rollout and what moves it: a pure machine over (state, happening)."""

from enum import StrEnum


class RolloutState(StrEnum):
    PREPARING = "preparing"
    VERIFYING = "verifying"
    SHADOWING = "shadowing"
    CANARY = "canary"
    TESTING = "testing"
    PAUSED = "paused"
    SWITCHED = "switched"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


class Happening(StrEnum):
    """What can happen to a rollout.

    `loaded`: green is warm everywhere. `mirrored`, `shared`, `split`: a step begins by which green is given copies, a
    share of the requests, or the callers of one side. `paused`: the step goes on, and a person has the next word.
    `failed`: the evidence is against green, or could not be had. `aborted`: a person gave it up.
    """

    LOADED = "loaded"
    MIRRORED = "mirrored"
    SHARED = "shared"
    SPLIT = "split"
    PAUSED = "paused"
    SWITCHED = "switched"
    FAILED = "failed"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"


# Green is being judged on live requests. A paused one is judged as well: it may fail, but not go on by itself.
ON_TRIAL = frozenset({RolloutState.SHADOWING, RolloutState.CANARY, RolloutState.TESTING, RolloutState.PAUSED})
BEFORE_TRIAL = frozenset({RolloutState.PREPARING, RolloutState.VERIFYING})
ACTIVE = BEFORE_TRIAL | ON_TRIAL
# States of a rollout whose version answers, or has answered.
HAS_ANSWERED = frozenset({RolloutState.SWITCHED, RolloutState.RETIRED, RolloutState.ROLLED_BACK})

NEXT: dict[tuple[RolloutState, Happening], RolloutState] = {
    (RolloutState.PREPARING, Happening.LOADED): RolloutState.VERIFYING,
    (RolloutState.PREPARING, Happening.FAILED): RolloutState.ABORTED,
    (RolloutState.PREPARING, Happening.ABORTED): RolloutState.ABORTED,
    (RolloutState.VERIFYING, Happening.MIRRORED): RolloutState.SHADOWING,
    (RolloutState.VERIFYING, Happening.SHARED): RolloutState.CANARY,
    (RolloutState.VERIFYING, Happening.SPLIT): RolloutState.TESTING,
    (RolloutState.VERIFYING, Happening.SWITCHED): RolloutState.SWITCHED,
    (RolloutState.VERIFYING, Happening.FAILED): RolloutState.ABORTED,
    (RolloutState.VERIFYING, Happening.ABORTED): RolloutState.ABORTED,
    (RolloutState.CANARY, Happening.SHARED): RolloutState.CANARY,
    (RolloutState.PAUSED, Happening.MIRRORED): RolloutState.SHADOWING,
    (RolloutState.PAUSED, Happening.SHARED): RolloutState.CANARY,
    (RolloutState.PAUSED, Happening.SPLIT): RolloutState.TESTING,
    **{(state, Happening.PAUSED): RolloutState.PAUSED for state in ON_TRIAL - {RolloutState.PAUSED}},
    **{(state, Happening.SWITCHED): RolloutState.SWITCHED for state in ON_TRIAL},
    **{(state, Happening.FAILED): RolloutState.ROLLED_BACK for state in ON_TRIAL},
    **{(state, Happening.ABORTED): RolloutState.ABORTED for state in ON_TRIAL},
    (RolloutState.SWITCHED, Happening.ROLLED_BACK): RolloutState.ROLLED_BACK,
    (RolloutState.SWITCHED, Happening.SUPERSEDED): RolloutState.RETIRED,
}


def next_state(state: RolloutState, happening: Happening) -> RolloutState | None:
    """Where `happening` takes a rollout in `state`; None when it cannot happen there."""
    return NEXT.get((state, happening))
