"""The states of a run, over all pairs."""

from itertools import product

import pytest

from domain.experiments.states import ENDED, MOVES, RunState, may_move

ALLOWED = {
    ("pending", "running"),
    ("pending", "failed"),
    ("pending", "cancelled"),
    ("running", "finished"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "running"),
    ("cancelled", "running"),
}


@pytest.mark.parametrize(("old", "new"), list(product(RunState, RunState)))
def test_a_run_moves_as_told_and_not_otherwise(old: RunState, new: RunState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(RunState)


def test_a_finished_run_is_final() -> None:
    assert MOVES[RunState.FINISHED] == frozenset()
    assert {RunState.FINISHED, RunState.FAILED, RunState.CANCELLED} == ENDED
