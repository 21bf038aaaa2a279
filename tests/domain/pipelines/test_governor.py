"""What a bad window sets off: the governor asked with the facts of the database."""

import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from domain.datasets.queries import get_version as get_data
from domain.deployments.queries import get_endpoint
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.monitoring import service as monitoring
from domain.monitoring.specs import DriftResult, GovernorPolicy, MonitorPolicy
from domain.monitoring.windows import WindowPlan
from domain.registry.queries import get_model, get_version
from domain.registry.service import add_version, create_model
from tests.conftest import Drain, SteppingClock
from tests.domain.deployments.versions import ANN, decide, request
from tests.domain.monitoring.results import drift
from tests.domain.pipelines.turns import ROWS, Turns
from tests.finished_runs import finished_run
from tests.training_data import make_dataset
from workers.toolbox import Toolbox

DRIFTED, BROKEN = drift(drifted=["bmi"]), drift(broken=["bmi"])
GOVERNOR = GovernorPolicy(windows_needed=1, windows_seen=2, cooldown_seconds=0, daily_budget=100, max_failed_gates=2)
ON_DRIFT = [{"on": "drift", "endpoint": "e"}]


class Watched(Turns):
    """The pipeline `p` retrains when endpoint `e` drifts; versions of `m` answer there."""

    _first = count(100, 100)

    def close_window(self, found: DriftResult) -> None:
        first = next(self._first)
        plan = WindowPlan((f"s{first}",), f"{first:09}", f"{first + 99:09}", 100)
        with self.runtime.transaction() as session:
            endpoint = get_endpoint(session, "e")
            monitoring.open_windows(session, endpoint_id=endpoint.id, plans=[plan])
        (job,) = self.queued("ComputeWindow")[-1:]
        with self.runtime.transaction() as session:
            monitoring.close_window(
                session,
                window_id=job.payload["window_id"],
                version_id=get_version(session, "m", 1).id,
                drift=found,
                performance=None,
            )

    def rule(self) -> str:
        """What the governor said last: the rule that refused, or `go`."""
        newest = self.events("RetrainRefused", "RetrainStarted")[0]
        return str(newest.payload.get("rule", "go"))

    def refuse_the_retrain(self) -> None:
        """Take the run that was just started to a gate that says no."""
        run = self.runs()[0]
        self.train(run.id)
        number = len(self.events("ModelVersionCreated"))
        self.check_model(number)
        self.decide(run.id, "fail")
        assert self.run(run.id).state == "succeeded"


@pytest.fixture
def watched(client: httpx.Client, drain: Drain, tools: Toolbox) -> Watched:
    make_dataset(client, drain, "d", ROWS)
    watched = Watched(tools)
    with tools.runtime.transaction(ANN) as session:
        create_model(session, name="m", task="regression", target="y")
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        monitoring.set_policies(session, endpoint="e", policy=MonitorPolicy(), governor=GOVERNOR)
        data = get_data(session, "d", 1)
        for _ in range(2):
            add_version(session, model=get_model(session, "m"), run_id=finished_run(session, data))
        get_endpoint(session, "e").live_version_id = get_version(session, "m", 1).id
    watched.put(triggers=ON_DRIFT)
    return watched


def test_drift_starts_a_retrain_and_says_why(watched: Watched) -> None:
    watched.close_window(DRIFTED)
    (run,) = watched.runs()
    (started,) = watched.events("RetrainStarted")
    assert (run.trigger, started.payload["run_id"]) == ("drift", run.id)
    assert run.trigger_reason == "1 of the last 1 windows are bad, nothing is running, budget 0 of 100 used."


def test_a_quiet_window_asks_nobody(watched: Watched) -> None:
    watched.close_window(drift())
    assert watched.events("RetrainStarted", "RetrainRefused") == []


def test_broken_data_is_not_drift(watched: Watched) -> None:
    watched.close_window(BROKEN)
    assert (watched.rule(), watched.runs()) == ("broken_data", [])


def test_one_retrain_at_a_time(watched: Watched) -> None:
    watched.close_window(DRIFTED)
    watched.close_window(DRIFTED)
    assert (watched.rule(), len(watched.runs())) == ("in_flight", 1)


def test_windows_of_a_version_that_answers_no_more_do_not_count(watched: Watched) -> None:
    with watched.runtime.transaction(ANN) as session:
        get_endpoint(session, "e").live_version_id = get_version(session, "m", 2).id
    watched.close_window(DRIFTED)
    assert watched.rule() == "hysteresis"


class TestCircuitBreaker:
    @pytest.fixture(autouse=True)
    def refused_twice(self, watched: Watched) -> None:
        for _ in range(2):
            watched.close_window(DRIFTED)
            assert watched.rule() == "go"
            watched.refuse_the_retrain()

    def test_stops_after_as_many_refusals_as_the_policy_says(self, watched: Watched) -> None:
        watched.close_window(DRIFTED)
        assert (watched.rule(), len(watched.runs())) == ("circuit_breaker", 2)

    def test_closes_when_the_pipeline_is_changed(self, watched: Watched) -> None:
        watched.put(triggers=ON_DRIFT, train={**watched.runs()[0].spec["train"], "seed": 7})
        watched.close_window(DRIFTED)
        assert watched.rule() == "go"

    def test_does_not_close_for_other_triggers(self, watched: Watched) -> None:
        watched.put(triggers=[*ON_DRIFT, {"on": "schedule", "every_seconds": 3600}])
        watched.close_window(DRIFTED)
        assert watched.rule() == "circuit_breaker"

    def test_closes_when_a_version_of_a_person_passes(self, watched: Watched) -> None:
        with watched.runtime.transaction(ANN) as session:
            promotion_id = request(session, 2)
        with watched.runtime.transaction(ANN) as session:
            decide(session, promotion_id)
        watched.close_window(DRIFTED)
        assert watched.rule() == "go"

    def test_a_refusal_of_a_person_does_not_count_further(self, watched: Watched, clock: SteppingClock) -> None:
        with watched.runtime.transaction(ANN) as session:
            monitoring.set_policies(
                session,
                endpoint="e",
                policy=MonitorPolicy(),
                governor=GOVERNOR.model_copy(update={"max_failed_gates": 3}),
            )
            promotion_id = request(session, 2)
        with watched.runtime.transaction(ANN) as session:
            decide(session, promotion_id, verdict="fail")
        clock.advance(1)
        watched.close_window(DRIFTED)
        assert watched.rule() == "go"


class TestShown:
    """What a person is shown is what the next window would be told."""

    def state(self, client: httpx.Client) -> dict[str, Any]:
        answer = client.get("endpoints/e/governor")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def test_before_any_window(self, watched: Watched, client: httpx.Client) -> None:
        found = self.state(client)
        assert (found["windows"], found["would_start_now"], found["rulings"]) == ([], False, [])
        (pipeline,) = found["pipelines"]
        assert (pipeline["pipeline"], pipeline["rule"], pipeline["budget_left"]) == ("p", "hysteresis", 100)
        assert (pipeline["cooldown_until"], pipeline["breaker_open"], pipeline["in_flight"]) == (None, False, None)

    def test_a_retrain_under_way_and_what_was_said(self, watched: Watched, client: httpx.Client) -> None:
        watched.close_window(DRIFTED)
        watched.close_window(DRIFTED)
        found = self.state(client)
        (pipeline,) = found["pipelines"]
        assert (pipeline["rule"], pipeline["in_flight"]) == ("in_flight", watched.runs()[0].id)
        assert (pipeline["budget_used"], pipeline["budget_left"]) == (1, 99)
        assert (found["windows"], found["windows_bad"]) == (["drifted", "drifted"], 2)
        refused, started = found["rulings"]
        assert (started["started"], started["rule"], started["run_id"]) == (True, "go", pipeline["in_flight"])
        assert (refused["started"], refused["rule"], refused["run_id"]) == (False, "in_flight", None)

    def test_broken_data(self, watched: Watched, client: httpx.Client) -> None:
        watched.close_window(BROKEN)
        found = self.state(client)
        assert (found["broken_columns"], found["pipelines"][0]["rule"]) == (["bmi"], "broken_data")

    def test_cooldown_and_budget(self, watched: Watched, client: httpx.Client, clock: SteppingClock) -> None:
        with watched.runtime.transaction(ANN) as session:
            policy = GOVERNOR.model_copy(update={"cooldown_seconds": 3600, "daily_budget": 1})
            monitoring.set_policies(session, endpoint="e", policy=MonitorPolicy(), governor=policy)
        watched.close_window(DRIFTED)
        watched.refuse_the_retrain()
        (pipeline,) = self.state(client)["pipelines"]
        started, until = (datetime.fromisoformat(pipeline[name]) for name in ("last_started_at", "cooldown_until"))
        assert (pipeline["rule"], until - started) == ("cooldown", timedelta(hours=1))
        clock.advance(3601)
        (pipeline,) = self.state(client)["pipelines"]
        assert (pipeline["rule"], pipeline["budget_left"], pipeline["cooldown_until"]) == ("budget", 0, None)
        assert (pipeline["failed_gates"], pipeline["breaker_open"]) == (1, False)

    def test_an_open_breaker(self, watched: Watched, client: httpx.Client) -> None:
        for _ in range(2):
            watched.close_window(DRIFTED)
            watched.refuse_the_retrain()
        found = self.state(client)
        (pipeline,) = found["pipelines"]
        assert (pipeline["rule"], pipeline["failed_gates"], pipeline["breaker_open"]) == ("circuit_breaker", 2, True)
        assert not found["would_start_now"]

    def test_that_a_retrain_could_start(self, watched: Watched, client: httpx.Client) -> None:
        watched.close_window(DRIFTED)
        watched.refuse_the_retrain()
        found = self.state(client)
        assert (found["would_start_now"], found["pipelines"][0]["rule"]) == (True, "go")

    def test_an_endpoint_that_sets_nothing_off(self, watched: Watched, client: httpx.Client) -> None:
        watched.put(triggers=[])
        found = self.state(client)
        assert (found["pipelines"], found["would_start_now"]) == ([], False)
        assert client.get("endpoints/none/governor").json()["code"] == "unknown_endpoint"

    def test_the_alert_leads_to_the_ruling_on_its_window(self, watched: Watched, client: httpx.Client) -> None:
        watched.close_window(DRIFTED)
        watched.close_window(DRIFTED)
        (alert,) = client.get("alerts").json()["items"]
        found = client.get(f"alerts/{alert['id']}").json()
        assert [one["rule"] for one in found["rulings"]] == ["in_flight"]
        assert {one["window_id"] for one in found["rulings"]} == {found["window"]["id"]}

    def test_a_backtest_takes_retrains_to_last_as_they_did(
        self, watched: Watched, client: httpx.Client, clock: SteppingClock
    ) -> None:
        watched.close_window(DRIFTED)
        clock.advance(90)
        watched.refuse_the_retrain()
        found = client.post("endpoints/e/drift/backtest", json={}).json()
        assert re.match(r"A retrain takes 9\d s, and its gate says pass;", found["assumptions"][1])
        assert found["recorded"]["retrains"] == 1
