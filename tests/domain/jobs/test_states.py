"""The state table of jobs, over every pair, and the backoff."""

import pytest

from domain.jobs.states import ENDED, JobState, backoff_seconds, may_move

ALLOWED = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "queued"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@pytest.mark.parametrize("old", JobState)
@pytest.mark.parametrize("new", JobState)
def test_moves_as_the_product_says(old: JobState, new: JobState) -> None:
    assert may_move(old, new) == ((old.value, new.value) in ALLOWED)


def test_success_is_final() -> None:
    assert JobState.SUCCEEDED in ENDED
    assert not any(may_move(JobState.SUCCEEDED, new) for new in JobState)


def test_backoff_doubles_up_to_a_cap() -> None:
    assert [backoff_seconds(attempt) for attempt in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert backoff_seconds(50) == 300.0
