"""The machine of a rollout, over every (state, happening)."""

from itertools import product

import pytest

from domain.deployments.rollout import (
    ACTIVE,
    BEFORE_TRIAL,
    HAS_ANSWERED,
    ON_TRIAL,
    Happening,
    RolloutState,
    next_state,
)

EXPECTED = {
    ("preparing", "loaded"): "verifying",
    ("preparing", "failed"): "aborted",
    ("preparing", "aborted"): "aborted",
    ("verifying", "mirrored"): "shadowing",
    ("verifying", "shared"): "canary",
    ("verifying", "split"): "testing",
    ("verifying", "switched"): "switched",
    ("verifying", "failed"): "aborted",
    ("verifying", "aborted"): "aborted",
    ("shadowing", "paused"): "paused",
    ("shadowing", "switched"): "switched",
    ("shadowing", "failed"): "rolled_back",
    ("shadowing", "aborted"): "aborted",
    ("canary", "shared"): "canary",
    ("canary", "paused"): "paused",
    ("canary", "switched"): "switched",
    ("canary", "failed"): "rolled_back",
    ("canary", "aborted"): "aborted",
    ("testing", "paused"): "paused",
    ("testing", "switched"): "switched",
    ("testing", "failed"): "rolled_back",
    ("testing", "aborted"): "aborted",
    ("paused", "mirrored"): "shadowing",
    ("paused", "shared"): "canary",
    ("paused", "split"): "testing",
    ("paused", "switched"): "switched",
    ("paused", "failed"): "rolled_back",
    ("paused", "aborted"): "aborted",
    ("switched", "rolled_back"): "rolled_back",
    ("switched", "superseded"): "retired",
}


@pytest.mark.parametrize(("state", "happening"), list(product(RolloutState, Happening)))
def test_goes_where_it_should_and_nowhere_else(state: RolloutState, happening: Happening) -> None:
    assert next_state(state, happening) == EXPECTED.get((state, happening))


def test_every_state_is_under_way_or_has_answered_or_was_aborted() -> None:
    assert ACTIVE | HAS_ANSWERED | {RolloutState.ABORTED} == set(RolloutState)
    assert not ACTIVE & HAS_ANSWERED
    assert ACTIVE == BEFORE_TRIAL | ON_TRIAL
    assert not BEFORE_TRIAL & ON_TRIAL
