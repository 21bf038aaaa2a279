"""The machine of a rollout, over every (state, happening)."""

from itertools import product

import pytest

from domain.deployments.rollout import ACTIVE, HAS_ANSWERED, Happening, RolloutState, next_state

EXPECTED = {
    ("preparing", "loaded"): "verifying",
    ("preparing", "failed"): "aborted",
    ("verifying", "proven"): "switched",
    ("verifying", "failed"): "aborted",
    ("switched", "rolled_back"): "rolled_back",
    ("switched", "superseded"): "retired",
}


@pytest.mark.parametrize(("state", "happening"), list(product(RolloutState, Happening)))
def test_goes_where_it_should_and_nowhere_else(state: RolloutState, happening: Happening) -> None:
    assert next_state(state, happening) == EXPECTED.get((state, happening))


def test_every_state_is_under_way_or_has_answered_or_was_aborted() -> None:
    assert ACTIVE | HAS_ANSWERED | {RolloutState.ABORTED} == set(RolloutState)
    assert not ACTIVE & HAS_ANSWERED
