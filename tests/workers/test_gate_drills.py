"""Gate drills of real models: what a good policy stops, and what a weak one and a thin suite let through."""

from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from adapters.runtime import Runtime
from domain.gate_drills import service
from domain.gate_drills.models import GateDrillSchedule
from domain.registry.queries import get_model
from tests.conftest import Drain
from tests.training_data import make_dataset

GOOD: dict[str, Any] = {
    "gates": [
        {"gate": "metric", "metric": "log_loss", "max": 0.4},
        {"gate": "overfit", "max_ratio": 1.5},
        {"gate": "leakage", "max_share": 0.9},
        {"gate": "latency", "p50_ms": 20},
        {"gate": "memory", "max_mb": 1000},
    ]
}
WEAK: dict[str, Any] = {"gates": [{"gate": "metric", "metric": "accuracy", "min": 0.01}]}
RANGE: dict[str, Any] = {"check": "in_range", "column": "age", "min": 0, "max": 120}
SUITE: list[dict[str, Any]] = [
    RANGE,
    {"check": "not_null", "columns": ["age", "hours", "work"]},
    {"check": "in_set", "column": "work", "values": ["office", "field", "home"]},
    {"check": "unique", "columns": ["id"]},
]
SPEC: dict[str, Any] = {
    "dataset": "people", "trainer": "gradient_boosting", "task": "classification", "target": "rich", "model": "m",
    "features": ["age", "hours", "work"], "params": {"n_estimators": 30, "max_depth": 3},
}  # fmt: skip


def people(rows: int = 1_500) -> pl.DataFrame:
    draw = np.random.default_rng(3)
    age, hours = draw.integers(18, 90, rows), draw.integers(1, 60, rows)
    work = draw.choice(["office", "office", "field", "home"], rows)
    score = (age - 54) / 8 + (hours - 30) / 8 + 4.0 * (work == "office") - 2
    rich = np.where(score + draw.normal(0, 0.5, rows) > 0, "yes", "no")
    return pl.DataFrame({"id": np.arange(rows), "age": age, "hours": hours, "work": work, "rich": rich})


@pytest.fixture
def trained(client: httpx.Client, drain: Drain) -> None:
    """Version 1 of `m` on a dataset with a suite."""
    make_dataset(client, drain, "people", people())
    client.post("experiments", json={"name": "study"})
    client.post("models", json={"name": "m", "task": "classification", "target": "rich"})
    checks(client, drain, SUITE)
    client.post("experiments/study/runs", json=SPEC)
    assert [job.error for job in drain() if job.state != "succeeded"] == []


def checks(client: httpx.Client, drain: Drain, suite: list[dict[str, Any]]) -> None:
    answer = client.put("datasets/people/check-suite", json={"checks": suite})
    assert answer.is_success, answer.text
    drain()


def drilled(client: httpx.Client, drain: Drain, policy: dict[str, Any]) -> dict[str, Any]:
    assert client.put("models/m/policy", json=policy).status_code == 200
    drain()
    answer = client.post("models/m/gate-drill")
    assert answer.status_code == 202, answer.text
    assert [job.error for job in drain() if job.state != "succeeded"] == []
    found: dict[str, Any] = client.get(answer.json()["subject"]).json()
    return found


def outcomes(drill: dict[str, Any], of: str) -> dict[str, str]:
    return {one["mutant"]: one["outcome"] for one in drill["result"]["mutants"] if one["of"] == of}


def named(drill: dict[str, Any], mutant: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in drill["result"]["mutants"] if one["mutant"] == mutant)
    return found


def standing(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("alerts", params={"state": "open"}).json()["items"]
    return found


@pytest.mark.usefixtures("trained")
class TestADrill:
    @pytest.mark.slow
    def test_of_good_gates_lets_nothing_through_and_changes_nothing(self, client: httpx.Client, drain: Drain) -> None:
        before = client.get("models/m").json()
        drill = drilled(client, drain, GOOD)
        models = outcomes(drill, "model")
        assert models.pop("control") == "control"
        assert set(models.values()) <= {"caught", "held", "harmless"}, drill["result"]["mutants"]
        assert [name for name, what in models.items() if what == "harmless"] in ([], ["truncated"], ["overfitted"])
        assert named(drill, "control")["verdict"] == "pass"
        assert "metric(log_loss)" in named(drill, "shuffled_labels")["caught_by"]
        assert named(drill, "slow")["caught_by"] == ["latency"]
        assert "leakage" in named(drill, "leaked_target")["caught_by"]
        assert set(outcomes(drill, "data").values()) == {"control", "caught"}, drill["result"]["mutants"]
        assert any("memory" in note for note in drill["result"]["notes"])
        assert (drill["got_through"], standing(client)) == (0, [])
        after = client.get("models/m").json()
        assert (after["versions"], after["aliases"]) == (before["versions"], before["aliases"])

    @pytest.mark.slow
    def test_of_weak_gates_opens_an_alert_that_good_ones_resolve(self, client: httpx.Client, drain: Drain) -> None:
        checks(client, drain, SUITE[1:])  # without the range
        drill = drilled(client, drain, WEAK)
        assert outcomes(drill, "model")["shuffled_labels"] == "got_through"
        assert outcomes(drill, "data")["negative_values"] == "got_through"
        assert outcomes(drill, "data")["null_spike"] == "caught"
        [alert] = standing(client)
        assert (alert["kind"], alert["model"], alert["endpoint"], alert["window_id"]) == ("gate", "m", None, None)
        assert "shuffled_labels" in alert["reason"]
        drilled(client, drain, WEAK)
        assert [one["occurrences"] for one in standing(client)] == [2]
        checks(client, drain, SUITE)
        drilled(client, drain, GOOD)
        assert standing(client) == []
        assert len(client.get("models/m/gate-drills").json()["items"]) == 3

    def test_asks_the_champion_gate_and_the_suites_too(self, client: httpx.Client, drain: Drain) -> None:
        suite = {"checks": [{"check": "metric", "metric": "accuracy", "min": 0.8}]}
        assert client.put("models/m/suites/words", json=suite).is_success
        client.put("models/m/policy", json=WEAK)
        drain()
        promotion = client.post("models/m/versions/1/promotions").json()["subject"]
        drain()
        assert client.get(promotion).json()["state"] == "applied"
        champion = {"gate": "champion", "metric": "log_loss"}
        behaviour = {"gate": "behaviour", "suite": "words"}
        drill = drilled(client, drain, {"gates": [champion, behaviour, *WEAK["gates"]]})
        assert named(drill, "shuffled_labels")["caught_by"] == ["champion", "behaviour:words"]
        assert named(drill, "control")["caught_by"] == ["champion"]
        assert named(drill, "slow")["outcome"] in {"caught", "held"}
        assert "only by what refuses the control" in named(drill, "slow")["message"]
        assert "only by what" not in named(drill, "shuffled_labels")["message"]
        assert any("champion" in note for note in drill["result"]["notes"])
        assert len(client.get("promotions").json()["items"]) == 1

    def test_of_no_gates_says_so(self, client: httpx.Client, drain: Drain) -> None:
        drill = drilled(client, drain, {"gates": []})
        assert any("no gates" in note for note in drill["result"]["notes"])

    def test_is_ordered_when_it_is_due(self, client: httpx.Client, runtime: Runtime) -> None:
        put = client.put("models/m/gate-drill-schedule", json={"every_days": 7})
        assert (put.status_code, put.json()["every_days"]) == (200, 7)
        with runtime.transaction() as session:
            assert len(service.order_due(session)) == 1
        with runtime.transaction() as session:
            assert service.order_due(session) == []
            schedule = session.get_one(GateDrillSchedule, get_model(session, "m").id)
            assert (schedule.due_at - session.now()).days >= 6
        again = client.post("models/m/gate-drill")
        assert (again.status_code, again.json()["code"]) == (409, "drill_in_flight")
        assert client.put("models/m/gate-drill-schedule", json={"every_days": None}).json()["due_at"] is None


class TestRefusals:
    def test_of_a_model_without_a_version(self, client: httpx.Client) -> None:
        client.post("models", json={"name": "m", "task": "regression", "target": "y"})
        answer = client.post("models/m/gate-drill")
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_drill")

    def test_of_names_that_are_not_there_and_days_that_are_none(self, client: httpx.Client) -> None:
        assert client.post("models/none/gate-drill").json()["code"] == "unknown_model"
        assert client.get("gate-drills/none").json()["code"] == "unknown_gate_drill"
        client.post("models", json={"name": "m", "task": "regression", "target": "y"})
        assert client.put("models/m/gate-drill-schedule", json={"every_days": 0}).status_code == 422
