"""The run of checks on a real version: the policy's own, its suites and the pins; kept, and asked alone."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.db import new_id
from domain.model_checks import kept
from domain.model_checks.models import KeptResult
from domain.model_checks.specs import ModelCheckResult
from domain.pins.models import ModelPin
from domain.registry.queries import get_model
from tests.conftest import Drain
from tests.training_data import PATIENTS, make_dataset, upload

SPEC: dict[str, Any] = {
    "dataset": "patients", "trainer": "linear", "task": "regression", "target": "progress", "model": "m",
}  # fmt: skip
SUITE: dict[str, Any] = {
    "checks": [
        {"check": "metric", "metric": "mae", "max": 60},
        {"check": "metric", "metric": "mae", "max": 1, "severity": "warn", "name": "dream"},
        {"check": "metric", "metric": "mae", "max": 1, "where": "bmi > 1000"},
        {"check": "serving_parity"},
        {"check": "latency", "p99_ms": 1000},
        {"check": "memory", "max_mb": 1000},
    ]
}


@pytest.fixture
def version(client: httpx.Client, drain: Drain) -> dict[str, Any]:
    """Version 1 of `m`, trained for real and checked by a policy that names a suite."""
    make_dataset(client, drain, "patients", PATIENTS)
    client.post("experiments", json={"name": "study"})
    client.post("models", json={"name": "m", "task": "regression", "target": "progress"})
    client.put("models/m/suites/all", json=SUITE)
    policy = {"gates": [{"gate": "overfit", "max_ratio": 3}, {"gate": "behaviour", "suite": "all"}]}
    assert client.put("models/m/policy", json=policy).status_code == 200
    client.post("experiments/study/runs", json=SPEC)
    assert [job.error for job in drain() if job.state != "succeeded"] == []
    return report(client)


def report(client: httpx.Client, **asked: str) -> dict[str, Any]:
    answer = client.get("models/m/versions/1/checks", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def results(found: dict[str, Any]) -> list[dict[str, Any]]:
    [suite] = found["suites"]
    listed: list[dict[str, Any]] = suite["results"]
    return listed


@pytest.mark.slow
def test_a_report_has_all_that_was_asked_and_what_was_found_before_is_used_again(
    client: httpx.Client, version: dict[str, Any], drain: Drain, runtime: Runtime
) -> None:
    assert [(one["gate"], one["verdict"]) for one in version["results"]] == [("overfit", "pass")]
    [suite] = version["suites"]
    assert (suite["suite"], suite["version"], suite["verdict"]) == ("all", 1, "inconclusive")
    found = {one["name"]: (one["verdict"], one["vacuous"]) for one in results(version)[:2] + results(version)[3:]}
    assert found == {
        "metric": ("pass", False),
        "dream": ("fail", False),
        "serving_parity": ("pass", False),
        "latency": ("pass", False),
        "memory": ("pass", False),
    }
    nothing = results(version)[2]
    assert (nothing["verdict"], nothing["vacuous"], "bmi > 1000" in nothing["message"]) == ("inconclusive", True, True)
    assert (version["verdict"], version["pins"]) == ("inconclusive", None)
    assert all(one["seconds"] > 0 and not one["cached"] for one in results(version))

    pin(runtime, client, expect=1e6)
    client.post("models/m/versions/1/checks")
    drain()
    again = report(client)
    assert again["id"] != version["id"]
    assert all(one["cached"] for one in [*again["results"], *results(again)])
    assert [one["value"] for one in results(again)] == [one["value"] for one in results(version)]
    assert (again["pins"]["gate"], again["pins"]["verdict"], again["verdict"]) == ("pinned", "fail", "fail")
    assert again["pins"]["examples"][0]["expected"] == 1e6

    client.post("models/m/versions/1/checks", json={"fresh": True})
    drain()
    assert not any(one["cached"] for one in results(report(client)))


def pin(runtime: Runtime, client: httpx.Client, *, expect: float) -> None:
    instance = {"bmi": 0.05, "bp": 0.02, "s5": 0.01, "sex": "m", "of another model": 1}
    with runtime.transaction() as session:
        session.add(
            ModelPin(
                id=new_id(), model_id=get_model(session, "m").id, instance=instance, expect={"value": expect},
                within=1.0, created_at=session.now(), created_by="ann",
            )
        )  # fmt: skip


@pytest.mark.slow
def test_what_is_asked_alone_is_kept_apart_from_what_gates_take(
    client: httpx.Client, version: dict[str, Any], drain: Drain
) -> None:
    upload(client, "patients", PATIENTS.head(40))
    drain()
    for asked in ({"suite": "all"}, {"dataset": "patients@2"}):
        assert client.post("models/m/versions/1/checks", json=asked).status_code == 202
    drain()
    assert report(client)["id"] == version["id"]
    alone = report(client, suite="all")
    assert (alone["results"], alone["suite"], alone["dataset"]) == ([], "all", None)
    assert all(one["cached"] for one in results(alone))
    other = report(client, dataset="patients@2")
    assert other["metrics"]["mae"] != version["metrics"]["mae"]
    assert not any(one["cached"] for one in results(other))
    kinds = [event["type"] for event in client.get("events").json()["items"]]
    assert kinds.count("ModelVersionChecked") == 1


def test_the_oldest_kept_results_go(runtime: Runtime) -> None:
    one = ModelCheckResult(gate="metric", verdict="pass", message="")
    for number in range(5):
        with runtime.transaction() as session:
            kept.keep(session, {f"{number}": one}, at_most=3)
    with runtime.transaction() as session:
        kept.keep(session, {"3": one}, at_most=3)  # again is not twice
        assert {row.key for row in session.query(KeptResult)} == {"2", "3", "4"}
        assert kept.find(session, ["2", "7"]).keys() == {"2"}
