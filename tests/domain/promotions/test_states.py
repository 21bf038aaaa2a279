"""The states of a promotion, over every (old, new)."""

from itertools import product

import pytest

from domain.promotions.states import PROVEN, PromotionState, may_move

ALLOWED = {
    ("requested", "passed"),
    ("requested", "failed"),
    ("requested", "inconclusive"),
    ("passed", "awaiting_approval"),
    ("passed", "applied"),
    ("awaiting_approval", "approved"),
    ("awaiting_approval", "rejected"),
    ("approved", "applied"),
    ("failed", "overridden"),
    ("inconclusive", "overridden"),
    ("overridden", "applied"),
    ("passed", "superseded"),
    ("awaiting_approval", "superseded"),
    ("approved", "superseded"),
    ("overridden", "superseded"),
}


@pytest.mark.parametrize(("old", "new"), list(product(PromotionState, PromotionState)))
def test_moves_as_the_table_says(old: PromotionState, new: PromotionState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)


def test_neither_what_awaits_approval_nor_what_was_superseded_is_proven() -> None:
    assert {"passed", "approved", "overridden", "applied"} == PROVEN
