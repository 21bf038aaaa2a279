"""What a sweep does next, on plain values; and its states, over all pairs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from domain.sweeps.progress import Next, best_of, decide
from domain.sweeps.specs import SweepSpec
from domain.sweeps.states import MOVES, SweepState, TrialState, may_move

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trial:
    number: int
    state: TrialState
    value: float | None = None
    ended_at: datetime | None = None


def trials(text: str) -> list[Trial]:
    """`5.0 7.0 fail run queue wait refused`: in the order of their turn, and of their end."""
    states = {"fail": "failed", "run": "running", "queue": "pending", "wait": "waiting", "stop": "cancelled"}
    found = []
    for number, word in enumerate(text.split(), start=1):
        ended = START + timedelta(seconds=number)
        if word in states or word == "refused":
            state = TrialState(states.get(word, word))
            over = state in {TrialState.FAILED, TrialState.CANCELLED}
            found.append(Trial(number, state, None, ended if over else None))
        else:
            found.append(Trial(number, TrialState.FINISHED, None if word == "none" else float(word), ended))
    return found


def spec(**changes: Any) -> SweepSpec:
    base = {"dataset": "d", "trainer": "linear", "task": "regression", "target": "y"}
    whole = {"base": base, "space": {"strength": [1.0]}, "objective": {"metric": "mae", "goal": "min"}, "parallel": 2}
    return SweepSpec.model_validate(whole | changes)


DONE = Next(end=SweepState.SUCCEEDED, reason="Every trial has ended.")
PATIENT = {"patience": 2}


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("wait wait wait", {}, Next(start=[1, 2])),
        ("run wait wait", {}, Next(start=[2])),
        ("run queue wait", {}, Next()),
        ("run queue run wait", {}, Next()),  # a person has retried one
        ("5.0 run wait", {}, Next(start=[3])),
        ("5.0 fail wait wait", {}, Next(start=[3, 4])),
        ("5.0 refused wait", {}, Next(start=[3])),
        ("5.0 run", {}, Next()),
        ("5.0 fail stop", {}, DONE),
        ("fail refused none nan", {}, Next(end=SweepState.FAILED, reason="No trial came to a value of the metric.")),
        ("5.0 6.0 wait", PATIENT, Next(start=[3])),
        ("5.0 6.0 7.0 run wait", PATIENT, Next()),
        ("5.0 6.0 fail wait", PATIENT, Next(end=SweepState.SUCCEEDED, reason="The last 2 trials were no better.")),
        ("5.0 6.0 4.0 7.0 wait", PATIENT, Next(start=[5])),
        ("5.0 5.0 5.0 wait", PATIENT, Next(end=SweepState.SUCCEEDED, reason="The last 2 trials were no better.")),
        ("fail fail wait", PATIENT, Next(end=SweepState.FAILED, reason="The last 2 trials were no better.")),
        ("5.0 wait", {"max_seconds": 100.0}, Next(start=[2])),
        ("5.0 wait", {"max_seconds": 10.0}, Next(end=SweepState.SUCCEEDED, reason="The 10 seconds were over.")),
        ("5.0 run wait", {"max_seconds": 10.0}, Next()),
        ("fail wait", {"max_seconds": 10.0}, Next(end=SweepState.FAILED, reason="The 10 seconds were over.")),
    ],
)
def test_the_next_turn_follows_from_how_the_trials_stand(text: str, changes: dict[str, Any], expected: Next) -> None:
    assert decide(spec(**changes), trials(text), elapsed_seconds=50.0) == expected


@pytest.mark.parametrize(("goal", "number"), [("min", 2), ("max", 4)])
def test_the_best_is_by_the_goal_and_the_first_among_equals(goal: Any, number: int) -> None:
    best = best_of(trials("5.0 1.0 1.0 9.0 9.0 nan inf fail none run"), goal)
    assert best is not None
    assert best.number == number


def test_without_a_value_there_is_no_best() -> None:
    assert best_of(trials("fail nan none wait"), "min") is None


@pytest.mark.parametrize(("old", "new"), list(product(SweepState, SweepState)))
def test_a_sweep_ends_once(old: SweepState, new: SweepState) -> None:
    assert may_move(old, new) == (old == SweepState.RUNNING and new != SweepState.RUNNING)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(SweepState)
