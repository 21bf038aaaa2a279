"""Walk: data is deleted as far as nothing needs it; what a served model came from outlives every collection."""

from typing import Any

import httpx

from adapters.runtime import Runtime
from tests.conftest import Drain, SteppingClock
from tests.flows.plane import plane, promote, set_out, train_version, world
from tests.training_data import make_dataset, upload

GRACE = 73 * 3600.0


def collect(client: httpx.Client, clock: SteppingClock, drain: Drain) -> dict[str, Any]:
    """Everything old, a plan, its grace period, and its execution; the plan as it ended."""
    clock.advance(GRACE)
    subject = client.post("gc/plans").json()["subject"]
    drain()
    early = client.post(f"{subject}/execute")
    assert (early.status_code, early.json()["code"]) == (409, "gc_grace_period")
    clock.advance(GRACE)
    assert client.post(f"{subject}/execute").status_code == 202
    drain()
    plan: dict[str, Any] = client.get(subject).json()
    assert plan["state"] == "done", plan
    return plan


def needed_by(client: httpx.Client, version: str) -> set[str]:
    refusal = client.delete(version)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "version_in_use"), refusal.text
    return {need["noun"] for need in client.get(f"{version}/needs").json()["items"]}


def test_what_a_served_model_came_from_cannot_be_deleted(
    runtime: Runtime, client: httpx.Client, clock: SteppingClock, drain: Drain
) -> None:
    set_out(client, drain, train={"features": ["temp"]})
    make_dataset(client, drain, "spare", world(500, seed=5))
    with plane(runtime):
        assert promote(client, drain, 1)["state"] == "applied"
        assert needed_by(client, "datasets/rides/versions/1") == {"endpoint", "model", "run"}

        upload(client, "rides", world(600, seed=6))
        drain()
        train_version(client, drain)
        assert promote(client, drain, 2)["state"] == "applied"
        needs = client.get("datasets/rides/versions/1/needs").json()["items"]
        assert needs[0] == {"noun": "endpoint", "what": "rides", "why": "it can be rolled back to its model"}
        for number in (1, 2):
            assert needed_by(client, f"datasets/rides/versions/{number}") >= {"endpoint", "model"}

        assert client.delete("datasets/spare/versions/1").status_code == 200
        plan = collect(client, clock, drain)
        assert (plan["receipt"]["contents"], plan["receipt"]["skipped"]) == (1, 0)
        keeps = {root["kind"]: root["keeps"] for root in plan["roots"]}
        # Of two runs the data, the rows they were trained and tested on and the reference; all of it is served.
        assert keeps["endpoints"] == keeps["model_versions"] == keeps["runs"] >= 7

        runs = client.get("runs").json()["items"]
        assert len(runs) == 2
        assert client.post("endpoints/rides/rollback", json={"reason": "a hunch"}).status_code == 200
        drain()
        assert client.get("endpoints/rides").json()["live_version"] == 1
        train_version(client, drain, features=["temp"], seed=7)  # still all there is to train on
        assert client.post("verifications", json={"deep": True}).status_code == 202
        assert drain()[-1].result == {"state": "clean", "findings": 0}


def test_who_may(client: httpx.Client, drain: Drain) -> None:
    made = client.post("tokens", json={"name": "e", "owner": "eve", "role": "developer"}).json()
    as_developer = {"Authorization": f"Bearer {made['token']}"}
    subject = client.post("gc/plans", headers=as_developer).json()["subject"]
    drain()
    refusal = client.post(f"{subject}/execute", headers=as_developer)
    assert (refusal.status_code, refusal.json()["code"]) == (403, "missing_scope")
    assert client.post(f"{subject}/cancel", headers=as_developer).json()["state"] == "cancelled"
    again = client.post(f"{subject}/execute")
    assert (again.status_code, again.json()["code"]) == (409, "gc_plan_not_ready")
