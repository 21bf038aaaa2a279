"""A decision is computed again from what was kept of it, and what was tampered with is named."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from adapters.runtime import Runtime
from domain.experiments.models import Run
from domain.model_checks.specs import MEASURED
from domain.registry.queries import get_version
from tests.api.answers import refused
from tests.conftest import Drain
from tests.flows.plane import promote
from tests.training_data import TUMOURS, make_dataset

SPEC = {"dataset": "tumours", "trainer": "linear", "task": "classification", "target": "label", "model": "tumours"}
SUITE = {
    "checks": [
        {"check": "invariance", "change": {"kind": "noise", "scale": 0.01}, "max_share": 0.5},
        {"check": "latency", "p99_ms": 1000},
    ]
}
GATES = {
    "gates": [
        {"gate": "metric", "metric": "accuracy", "min": 0.8},
        {"gate": "weak_slices", "metric": "accuracy", "max_gap": 3},
        {"gate": "behaviour", "suite": "steady"},
        {"gate": "champion", "metric": "accuracy", "require": "non_inferiority", "margin": 0.5},
    ]
}


def train(client: httpx.Client, drain: Drain, **spec: Any) -> None:
    answer = client.post("experiments/e/runs", json=SPEC | spec)
    assert answer.status_code == 202, answer.text
    drain()


def replay(client: httpx.Client, drain: Drain, promotion: dict[str, Any]) -> dict[str, Any]:
    job = client.post(f"promotions/{promotion['id']}/replay")
    assert job.status_code == 202, job.text
    drain()
    found: list[dict[str, Any]] = client.get(f"promotions/{promotion['id']}/replays").json()
    assert found[0]["job_id"] == job.json()["id"], client.get(f"jobs/{job.json()['id']}").json()
    return found[0]


@pytest.fixture
def first(client: httpx.Client, drain: Drain) -> dict[str, Any]:
    """The promotion of the first champion, by checks and a suite alone."""
    make_dataset(client, drain, "tumours", TUMOURS)
    client.post("experiments", json={"name": "e"})
    train(client, drain)
    assert client.put("models/tumours/suites/steady", json=SUITE).status_code in {200, 201}
    assert client.put("models/tumours/policy", json=GATES).status_code == 200
    drain()
    promotion = promote(client, drain, 1, model="tumours")
    assert promotion["state"] == "applied", promotion["reason"]
    return promotion


def test_a_first_champion_is_come_to_again(client: httpx.Client, drain: Drain, first: dict[str, Any]) -> None:
    found = replay(client, drain, first)
    assert (found["same"], found["verdict"], found["differences"], found["missing"]) == (True, "pass", [], [])
    assert set(found["as_recorded"]) <= MEASURED
    assert found["as_recorded"] == ["latency"]
    assert client.get("events", params={"type": "PromotionReplayed"}).json()["items"]


def test_a_comparison_is_come_to_again_and_what_is_tampered_with_is_named(
    client: httpx.Client, drain: Drain, runtime: Runtime, first: dict[str, Any]
) -> None:
    assert first["champion_version"] is None
    train(client, drain, seed=4, features=["mean_radius", "mean_texture", "mean_smoothness"])
    second = promote(client, drain, 2, model="tumours")
    assert second["evidence"]["comparison"] is not None, second["reason"]
    found = replay(client, drain, second)
    assert (found["same"], found["verdict"], found["differences"]) == (True, second["decision"]["verdict"], [])

    with runtime.transaction() as session:
        changed = "UPDATE model_suite_version SET suite_digest = 'x'"
        session.connection().execute(text(changed))
    found = replay(client, drain, second)
    assert (found["same"], found["verdict"]) == (None, None)
    assert "steady" in found["missing"][0]

    with runtime.transaction() as session:
        flipped = "UPDATE promotion SET requested_by = 'somebody' WHERE id = :id"
        session.connection().execute(text(flipped), {"id": second["id"]})
    assert "digest" in replay(client, drain, second)["missing"][0]


def test_of_what_was_never_decided_is_refused(client: httpx.Client, drain: Drain, first: dict[str, Any]) -> None:
    assert first["decision"] is not None
    train(client, drain, seed=9)
    asked = client.post("models/tumours/versions/2/promotions").json()["subject"]
    refused(client.post(f"{asked}/replay"), 409, "nothing_to_replay")


def test_nothing_is_compared_where_nobody_knows_what_the_champion_was_trained_on(
    client: httpx.Client, drain: Drain, runtime: Runtime, first: dict[str, Any]
) -> None:
    assert first["state"] == "applied"
    train(client, drain, seed=4)
    with runtime.transaction() as session:
        champion = get_version(session, "tumours", 1)
        run = session.get_one(Run, champion.run_id)
        run.trainer, run.spec = "mlflow", {**run.spec, "params": {"trained_on": None, "unseen": False}}
    promotion = promote(client, drain, 2, model="tumours")
    assert promotion["state"] == "inconclusive"
    assert "not known what the champion, version 1, was trained on" in promotion["reason"]
