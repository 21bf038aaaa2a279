"""The state table of a version, pair by pair."""

from itertools import product

import pytest

from domain.datasets.states import VersionState, may_move

REGISTERED, VALIDATED, REJECTED, DELETED = VersionState
ALLOWED = {(REGISTERED, VALIDATED), (REGISTERED, REJECTED), (VALIDATED, REJECTED), (REJECTED, VALIDATED)} | {
    (standing, DELETED) for standing in (REGISTERED, VALIDATED, REJECTED)
}


@pytest.mark.parametrize(("old", "new"), list(product(VersionState, VersionState)))
def test_a_version_moves_only_as_the_table_says(old: VersionState, new: VersionState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)
