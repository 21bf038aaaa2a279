"""The state table of a plan, pair by pair."""

from itertools import product

import pytest

from domain.gc.states import PlanState, may_move

COMPUTING, READY, EXECUTING, DONE, FAILED, CANCELLED = PlanState
ALLOWED = {
    (COMPUTING, READY), (COMPUTING, FAILED), (COMPUTING, CANCELLED), (READY, EXECUTING), (READY, CANCELLED),
    (EXECUTING, DONE), (EXECUTING, FAILED), (FAILED, COMPUTING), (FAILED, EXECUTING), (FAILED, CANCELLED),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(product(PlanState, PlanState)))
def test_a_plan_moves_only_as_the_table_says(old: PlanState, new: PlanState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)
