"""Promotions over HTTP: who may ask, who may decide, and what is refused."""

import httpx
import pytest

from adapters.runtime import Runtime
from domain.access.actor import Role
from domain.access.service import create_token
from domain.registry.queries import get_version
from domain.registry.service import archive_version
from tests.api.answers import refused
from tests.domain.deployments.versions import ANN, add_versions, decide, request, require_approval


@pytest.fixture(autouse=True)
def versions(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)


@pytest.fixture
def waiting(runtime: Runtime) -> str:
    """A promotion that ann asked for and that awaits approval."""
    with runtime.transaction(ANN) as session:
        require_approval(session)
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    return promotion_id


def bearer(runtime: Runtime, name: str, role: Role) -> dict[str, str]:
    with runtime.transaction() as session:
        _, secret = create_token(session, name=name, owner=name, role=role)
    return {"Authorization": f"Bearer {secret}"}


def test_is_asked_for_with_a_job_and_listed(client: httpx.Client) -> None:
    answer = client.post("models/m/versions/1/promotions")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    found = client.get(answer.json()["subject"]).json()
    assert (found["model"], found["version"], found["state"], found["requested_by"]) == ("m", 1, "requested", "admin")
    assert client.get("promotions", params={"model": "m", "state": "requested"}).json()["items"] == [found]
    assert client.get("promotions", params={"state": "applied"}).json()["items"] == []


def test_the_evidence_of_a_version_is_its_newest_decision(client: httpx.Client, waiting: str) -> None:
    assert client.get("models/m/versions/1/evidence").json()["id"] == waiting
    refused(client.get("models/m/versions/2/evidence"), 404, "no_evidence")


def test_the_same_key_asks_once(client: httpx.Client) -> None:
    answers = [client.post("models/m/versions/1/promotions", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len(client.get("promotions").json()["items"]) == 1


class TestApproval:
    def test_of_a_colleague_applies(self, client: httpx.Client, waiting: str) -> None:
        found = client.post(f"promotions/{waiting}/approve").json()
        assert (found["state"], found["approver"]) == ("approved", "admin")
        assert client.get(f"promotions/{waiting}").json()["state"] == "applied"
        assert client.get("models/m").json()["aliases"] == {"champion": 1}

    def test_is_not_the_authors(self, client: httpx.Client, runtime: Runtime, waiting: str) -> None:
        ann = bearer(runtime, "ann", Role.APPROVER)
        refused(client.post(f"promotions/{waiting}/approve", headers=ann), 403, "approver_is_author")

    def test_is_not_a_developers(self, client: httpx.Client, runtime: Runtime, waiting: str) -> None:
        carl = bearer(runtime, "carl", Role.DEVELOPER)
        refused(client.post(f"promotions/{waiting}/approve", headers=carl), 403, "missing_scope")

    def test_cannot_follow_a_refusal(self, client: httpx.Client, waiting: str) -> None:
        assert client.post(f"promotions/{waiting}/reject", json={"reason": "no"}).json()["state"] == "rejected"
        refused(client.post(f"promotions/{waiting}/approve"), 409, "wrong_promotion_state")

    def test_refused_needs_a_reason(self, client: httpx.Client, waiting: str) -> None:
        problem = refused(client.post(f"promotions/{waiting}/reject", json={}), 422, "invalid_request")
        assert problem["where"] == "body.reason"


class TestRefusals:
    def test_of_an_archived_version(self, client: httpx.Client, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            archive_version(session, version_id=get_version(session, "m", 2).id)
        refused(client.post("models/m/versions/2/promotions"), 409, "not_promotable")

    def test_of_names_that_are_not_there(self, client: httpx.Client) -> None:
        refused(client.post("models/mm/versions/1/promotions"), 404, "unknown_model")
        problem = refused(client.post("models/m/versions/9/promotions"), 404, "unknown_model_version")
        assert problem["fix"] == "It has versions 1 to 2."
        refused(client.get("promotions/none"), 404, "unknown_promotion")
        refused(client.get("promotions", params={"model": "mm"}), 404, "unknown_model")

    def test_of_a_policy_whose_gates_contradict_each_other(self, client: httpx.Client) -> None:
        champion = {"gate": "champion", "metric": "mae"}
        problem = refused(client.put("models/m/policy", json={"gates": [champion, champion]}), 422, "invalid_request")
        says = "one champion gate at most: there are gates 0 and 1"
        assert (problem["where"], problem["detail"]) == ("body.gates", f"body.gates: {says}")
        assert problem["errors"] == [{"where": "body.gates", "message": says}]

    def test_of_a_policy_with_a_metric_the_model_lacks(self, client: httpx.Client) -> None:
        gates = [{"gate": "champion", "metric": "acuracy"}]
        problem = refused(client.put("models/m/policy", json={"gates": gates}), 422, "unfit_metric")
        assert problem["where"] == "gates.0.metric"
