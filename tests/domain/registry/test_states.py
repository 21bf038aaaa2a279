"""The states of a model version, over all pairs."""

from itertools import product

import pytest

from domain.registry.states import MOVES, VersionState, may_move

ALLOWED = {("registered", "checked"), ("registered", "archived"), ("checked", "archived")}


@pytest.mark.parametrize(("old", "new"), list(product(VersionState, VersionState)))
def test_a_version_moves_as_told_and_not_otherwise(old: VersionState, new: VersionState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(VersionState)
