"""Endpoints and rollouts over HTTP."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.deployments import service, steps
from domain.deployments.bands import Band, BandName
from domain.deployments.course import Point
from domain.deployments.progress import Decision, Move
from domain.deployments.queries import active_rollout, get_endpoint
from domain.deployments.rollout import RolloutState
from domain.experiments.models import Run
from domain.registry.specs import InputColumn, Signature
from tests.api.answers import refused
from tests.conftest import SteppingClock
from tests.domain.deployments.versions import ANN, add_versions, decide, request

SIGNATURE = Signature(task="regression", target="y", inputs=[InputColumn(name="x", type="number")])


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    """Endpoint `e` with version 2 live and version 1 warm; version 3 has passed nothing."""
    with runtime.transaction(ANN) as session:
        for version in add_versions(session, 3):
            session.get_one(Run, version.run_id).package = {
                "signature": SIGNATURE.as_json(), "flavor": "python", "reason": "it does not convert"
            }  # fmt: skip
    assert client.put("endpoints/e", json={"model": "m"}).status_code == 201
    for number in (1, 2):
        promote(runtime, number)
        switch(runtime)


def promote(runtime: Runtime, number: int) -> None:
    with runtime.transaction(ANN) as session:
        promotion_id = request(session, number)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)


def switch(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        rollout = active_rollout(session, get_endpoint(session, "e").id)
        assert rollout is not None
        service.loaded(session, rollout_id=rollout.id)
        service.switch(session, rollout_id=rollout.id, probe={})


def read(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("endpoints/e").json()
    return found


def test_tells_what_answers_and_what_is_warm(client: httpx.Client) -> None:
    found = read(client)
    assert (found["live_version"], found["standby_version"], found["can_roll_back"]) == (2, 1, True)
    assert (found["rollout_id"], found["model"]) == (None, "m")
    assert found["signature"] == SIGNATURE.as_json()
    assert (found["flavor"], found["flavor_reason"]) == ("python", "it does not convert")
    assert client.get("endpoints").json()["items"] == [found]
    states = [rollout["state"] for rollout in client.get("endpoints/e/rollouts").json()["items"]]
    assert states == ["switched", "retired"]


class TestPut:
    def test_the_etag_it_was_read_with_lets_it_change(self, client: httpx.Client) -> None:
        etag = client.get("endpoints/e").headers["etag"]
        body = {"model": "m", "settings": {"max_rows": 5}}
        changed = client.put("endpoints/e", json=body, headers={"If-Match": etag})
        assert (changed.status_code, changed.json()["settings"]["max_rows"]) == (200, 5)
        refused(client.put("endpoints/e", json=body, headers={"If-Match": etag}), 412, "stale")

    @pytest.mark.parametrize(
        ("body", "status", "code", "where"),
        [
            ({"model": "mm"}, 404, "unknown_model", "model"),
            ({}, 422, "invalid_request", "body.model"),
            ({"model": "m", "settings": {"max_rows": 0}}, 422, "invalid_request", "body.settings.max_rows"),
            ({"model": "m", "settings": {"maxrows": 3}}, 422, "invalid_request", "body.settings.maxrows"),
        ],
    )
    def test_refuses(self, client: httpx.Client, body: dict[str, Any], status: int, code: str, where: str) -> None:
        assert refused(client.put("endpoints/new", json=body), status, code)["where"] == where
        refused(client.get("endpoints/new"), 404, "unknown_endpoint")

    def test_refuses_not_a_number(self, client: httpx.Client) -> None:
        content = b'{"model": "m", "settings": {"max_rows": NaN}}'
        answer = client.put("endpoints/e", content=content, headers={"Content-Type": "application/json"})
        assert refused(answer, 422, "bad_document")["where"] == "line 1, column 41"


class TestRollouts:
    def test_start_with_a_job(self, client: httpx.Client) -> None:
        answer = client.post("endpoints/e/rollouts", json={"version": 1})
        assert answer.status_code == 202
        rollout = client.get(answer.json()["subject"]).json()
        assert (rollout["version"], rollout["blue_version"], rollout["state"]) == (1, 2, "preparing")
        assert read(client)["rollout_id"] == rollout["id"]

    def test_of_the_same_key_are_one(self, client: httpx.Client, runtime: Runtime) -> None:
        found = []
        for _ in range(2):
            answer = client.post("endpoints/e/rollouts", json={"version": 1}, headers={"Idempotency-Key": "k"})
            found.append(answer.json()["subject"])
        switch(runtime)
        again = client.post("endpoints/e/rollouts", json={"version": 1}, headers={"Idempotency-Key": "k"})
        assert {*found, again.json()["subject"]} == {found[0]}

    def test_of_a_version_without_proof_say_how_to_get_it(self, client: httpx.Client) -> None:
        problem = refused(client.post("endpoints/e/rollouts", json={"version": 3}), 409, "version_not_proven")
        assert problem["fix"] == "Ask for it: POST /api/v1/models/m/versions/3/promotions."

    def test_of_what_is_live_or_unknown_are_refused(self, client: httpx.Client) -> None:
        refused(client.post("endpoints/e/rollouts", json={"version": 2}), 409, "already_live")
        refused(client.post("endpoints/e/rollouts", json={"version": 9}), 404, "unknown_model_version")
        refused(client.post("endpoints/e/rollouts", json={"version": 10**30}), 422, "invalid_request")
        refused(client.post("endpoints/ee/rollouts", json={"version": 1}), 404, "unknown_endpoint")

    def test_are_aborted_while_they_prepare(self, client: httpx.Client) -> None:
        subject = client.post("endpoints/e/rollouts", json={"version": 1}).json()["subject"]
        refused(client.post("endpoints/e/rollback"), 409, "rollout_in_progress")
        aborted = client.post(f"{subject}/abort", json={"reason": "no"}).json()
        assert (aborted["state"], aborted["reason"]) == ("aborted", "no")
        refused(client.post(f"{subject}/abort", json={}), 409, "wrong_rollout_state")
        assert (read(client)["standby_version"], read(client)["can_roll_back"]) == (1, True)
        refused(client.post("rollouts/none/abort", json={}), 404, "unknown_rollout")


class TestTrials:
    """By the API alone: what a person may do while a candidate is on trial."""

    CANARY = {"strategy": "canary", "steps": [{"share": 0.1}, {"share": 0.5, "pause": True}]}  # noqa: RUF012

    @pytest.fixture
    def subject(self, client: httpx.Client, runtime: Runtime) -> str:
        body = {"version": 1, "strategy": self.CANARY}
        subject: str = client.post("endpoints/e/rollouts", json=body).json()["subject"]
        with runtime.transaction(ANN) as session:
            rollout_id = subject.removeprefix("rollouts/")
            service.loaded(session, rollout_id=rollout_id)
            steps.prove(session, rollout_id=rollout_id, probe={"rows": 3})
        return subject

    def test_show_their_strategy_their_step_and_who_did_what(self, client: httpx.Client, subject: str) -> None:
        found = client.get(subject).json()
        assert (found["state"], found["step"], found["analysis"]) == ("canary", 0, None)
        assert [step["share"] for step in found["steps"]] == [0.1, 0.5]
        assert [(one["state"], one["by"]) for one in found["history"]] == [("verifying", "ann"), ("canary", "ann")]
        both = read(client)
        assert (both["live_version"], both["standby_version"], both["rollout_id"]) == (2, 1, found["id"])
        assert {(one["version"], one["role"], one["share"]) for one in both["targets"]} == {
            (2, "live", 0.9),
            (1, "live", 0.1),
        }

    def test_are_paused_resumed_and_advanced_to_the_switch(self, client: httpx.Client, subject: str) -> None:
        assert client.post(f"{subject}/pause", json={"reason": "lunch"}).json()["state"] == "paused"
        assert client.post(f"{subject}/resume", json={}).json()["state"] == "canary"
        assert client.post(f"{subject}/advance", json={"step": 0}).json()["step"] == 1
        refused(client.post(f"{subject}/advance", json={"step": 0}), 409, "rollout_went_on")
        assert client.post(f"{subject}/advance", json={"step": 1}).json()["state"] == "switched"
        assert read(client)["live_version"] == 1
        refused(client.post(f"{subject}/pause", json={}), 409, "wrong_rollout_state")

    def test_end_when_the_endpoint_is_rolled_back(self, client: httpx.Client, subject: str) -> None:
        assert client.post("endpoints/e/rollback", json={"reason": "slow"}).json()["live_version"] == 2
        assert (client.get(subject).json()["state"], client.get(subject).json()["reason"]) == ("rolled_back", "slow")
        assert (read(client)["standby_version"], read(client)["can_roll_back"]) == (1, True)

    def test_have_no_evidence_before_the_first_request(self, client: httpx.Client, subject: str) -> None:
        assert client.get(f"{subject}/analysis").json() == {"requests": 0, "decisions": [], "sequences": []}
        refused(client.get("rollouts/none/analysis"), 404, "unknown_rollout")

    def test_show_their_evidence_over_the_requests(
        self, client: httpx.Client, runtime: Runtime, subject: str, clock: SteppingClock
    ) -> None:
        rollout_id = subject.removeprefix("rollouts/")
        for requests, low, move in ((100, None, Move.HOLD), (400, 1.2, Move.ROLL_BACK)):
            known: dict[BandName, Band] = {"faults": Band(estimate=1.5, low=low, high=3.0)}
            point = Point(at=clock(), step=0, requests=requests, bands=known)
            with runtime.transaction() as session:
                steps.judge(
                    session,
                    rollout_id=rollout_id,
                    at=steps.Seen(RolloutState.CANARY, 0),
                    decision=Decision(move, "It failed too many."),
                    analysis={},
                    point=point,
                )
        found = client.get(f"{subject}/analysis").json()
        assert found["requests"] == 400
        assert [(one["move"], one["step"], one["requests"]) for one in found["decisions"]] == [("roll_back", 0, 400)]
        (faults,) = found["sequences"]
        assert (faults["name"], faults["test"], faults["measure"]) == ("faults", "faults", "ratio")
        assert (faults["allowed"], faults["coverage"], faults["failed"]) == (1.0, pytest.approx(0.975), True)
        assert faults["sentence"].startswith("Faults: between 1.2 and 3 times as many as the control's after 400")
        assert [(one["requests"], one["low"], one["estimate"], one["high"]) for one in faults["points"]] == [
            (100, None, 1.5, 3.0),
            (400, 1.2, 1.5, 3.0),
        ]

    @pytest.mark.parametrize(
        ("strategy", "where"),
        [
            ({"strategy": "canary", "steps": []}, "body.strategy.steps"),
            ({"strategy": "canary", "steps": [{"share": 1.0}]}, "body.strategy.steps.0.share"),
            ({"strategy": "purple"}, "body.strategy"),
            ({"strategy": "shadow", "share": 0.5}, "body.strategy.share"),
        ],
    )
    def test_refuse_a_strategy_that_is_none(self, client: httpx.Client, strategy: dict[str, Any], where: str) -> None:
        body = {"version": 1, "strategy": strategy}
        assert refused(client.post("endpoints/e/rollouts", json=body), 422, "invalid_request")["where"] == where

    def test_are_how_champions_take_over_where_the_endpoint_says_so(
        self, client: httpx.Client, runtime: Runtime
    ) -> None:
        client.put("endpoints/e", json={"model": "m", "strategy": self.CANARY})
        assert read(client)["strategy"]["steps"][1]["pause"]
        promote(runtime, 3)
        rollout = client.get("endpoints/e/rollouts").json()["items"][0]
        assert (rollout["version"], rollout["strategy"]["strategy"]) == (3, "canary")


def test_is_rolled_back_once(client: httpx.Client) -> None:
    found = client.post("endpoints/e/rollback", json={"reason": "worse"}).json()
    assert (found["live_version"], found["standby_version"], found["can_roll_back"]) == (1, 2, False)
    refused(client.post("endpoints/e/rollback"), 409, "nothing_to_roll_back")


def test_a_name_that_is_nearly_right_is_suggested(client: httpx.Client, runtime: Runtime) -> None:
    client.put("endpoints/bikes", json={"model": "m"})
    problem = refused(client.get("endpoints/bike"), 404, "unknown_endpoint")
    assert problem["fix"] == "Did you mean 'bikes'?"
