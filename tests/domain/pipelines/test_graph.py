"""Which step is next, and what sets a pipeline off."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from domain.pipelines import triggers
from domain.pipelines.graph import STEP_MOVES, StepName, StepState, next_step, steps_of
from domain.pipelines.specs import PipelineSpec

ENDS = {"succeeded", "failed", "skipped", "cancelled"}
ALLOWED = {("pending", new) for new in ("running", "skipped", "cancelled")} | {("running", new) for new in ENDS}
PLAIN: dict[str, Any] = {
    "build": {"dataset": "d"},
    "train": {"dataset": "d", "trainer": "linear", "task": "regression", "target": "y"},
    "model": "m",
}


def spec(**changes: Any) -> PipelineSpec:
    return PipelineSpec.model_validate(PLAIN | changes)


@pytest.mark.parametrize(("old", "new"), list(product(StepState, StepState)))
def test_steps_move_as_the_table_says(old: StepState, new: StepState) -> None:
    assert (new in STEP_MOVES[old]) == ((old, new) in ALLOWED)


@pytest.mark.parametrize(
    ("changes", "chain"),
    [
        ({}, "build check train check_model promote deploy"),
        ({"promote": False}, "build check train check_model"),
        ({"evaluation": {"dataset": "t"}}, "evaluation build check train check_model promote deploy"),
    ],
)
def test_the_chain_follows_from_the_spec(changes: dict[str, Any], chain: str) -> None:
    assert steps_of(spec(**changes)) == chain.split()


@pytest.mark.parametrize(
    ("states", "following"),
    [
        ("pending pending pending", "build"),
        ("running pending pending", None),
        ("succeeded pending pending", "check"),
        ("succeeded succeeded running", None),
        ("succeeded failed pending", None),
        ("succeeded skipped pending", None),
        ("succeeded cancelled pending", None),
        ("succeeded succeeded succeeded", None),
    ],
)
def test_the_next_step_needs_all_before_it(states: str, following: str | None) -> None:
    chain = [StepName.BUILD, StepName.CHECK, StepName.TRAIN]
    assert next_step(chain, dict(zip(chain, map(StepState, states.split()), strict=True))) == following


def test_triggers_match_their_own_kind_and_name() -> None:
    watching = spec(triggers=[{"on": "drift", "endpoint": "e"}, {"on": "dataset_version", "dataset": "d"}])
    assert triggers.on_drift(watching, "e")
    assert not triggers.on_drift(watching, "d")
    assert triggers.on_new_version(watching, "d")
    assert not triggers.on_new_version(watching, "e")
    assert not triggers.on_drift(spec(), "e")


@pytest.mark.parametrize(("seconds", "due"), [(59.9, False), (60.0, True), (600.0, True)])
def test_a_schedule_comes_round(seconds: float, due: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    regular = spec(triggers=[{"on": "schedule", "every_seconds": 60}])
    last = now - timedelta(seconds=seconds)
    assert triggers.schedule_due(regular, last_started=last, now=now) == due
    assert not triggers.schedule_due(spec(), last_started=last, now=now)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"train": PLAIN["train"] | {"dataset": "other"}}, "train"),
        ({"train": PLAIN["train"] | {"model": "other"}}, "model"),
        ({"triggers": [{"on": "schedule", "every_seconds": 1}]}, "triggers"),
        ({"triggers": [{"on": "moon"}]}, "triggers"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused_in_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        spec(**changes)
    assert refusal.value.errors()[0]["loc"][0] == place
