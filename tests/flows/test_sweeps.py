"""Walk: a sweep's trials are runs, a few at a time, until a reason to stop; through the API and real trainings."""

from typing import Any

import httpx
import pytest

from domain.datasets.models import DatasetVersion
from domain.datasets.states import VersionState
from domain.jobs import service as jobs
from domain.jobs.states import JobState
from domain.sweeps import service
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.training_data import PATIENTS, make_dataset
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

BASE: dict[str, Any] = {"dataset": "patients", "trainer": "linear", "task": "regression", "target": "progress"}
SPEC: dict[str, Any] = {
    "base": BASE,
    "space": {"strength": [0.001, 0.1, 10.0, 1000.0]},
    "method": "grid",
    "objective": {"metric": "mae", "goal": "min"},
}


@pytest.fixture(autouse=True)
def patients(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "patients", PATIENTS)
    assert client.post("experiments", json={"name": "study"}).status_code == 201


def start(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = client.post("experiments/study/sweeps", json=SPEC | changes)
    assert answer.status_code == 202, answer.text
    sweep: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/sweeps/{sweep['id']}"
    return sweep


def read(client: httpx.Client, sweep: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"sweeps/{sweep['id']}").json()
    return found


def states(sweep: dict[str, Any]) -> list[str]:
    return [trial["state"] for trial in sweep["trials"]]


def work(tools: Toolbox, trial: dict[str, Any]) -> None:
    """Do the job of one trial."""
    assert run_job(trial["job_id"], tools=tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)


@ON_BOTH_DATABASES
class TestASweep:
    def test_tries_all_a_few_at_a_time_and_names_the_best(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        sweep = start(client)
        assert (sweep["state"], sweep["total"], sweep["best"]) == ("running", 4, None)
        assert (sweep["spec"]["base"]["dataset"], sweep["spec"]["objective"]["metric"]) == (
            "patients@1",
            "validation_mae",
        )
        assert states(sweep) == ["pending", "pending", "waiting", "waiting"]
        assert sweep["counts"] == {"pending": 2, "waiting": 2}
        work(tools, sweep["trials"][1])
        sweep = read(client, sweep)
        assert states(sweep) == ["pending", "finished", "pending", "waiting"]
        assert sweep["best"]["number"] == 2
        drain()
        sweep = read(client, sweep)
        assert (sweep["state"], sweep["reason"]) == ("succeeded", "Every trial has ended.")
        assert states(sweep) == ["finished"] * 4
        assert [trial["params"] for trial in sweep["trials"]] == [
            {"strength": one} for one in (0.001, 0.1, 10.0, 1000.0)
        ]
        values = [trial["value"] for trial in sweep["trials"]]
        assert len(set(values)) == 4
        assert sweep["best"]["value"] == min(values)

        run = client.get(f"runs/{sweep['best']['run_id']}").json()
        assert run["metrics"]["validation_mae"] == sweep["best"]["value"]
        assert (run["sweep_id"], run["trial"], run["dataset_version"]) == (sweep["id"], sweep["best"]["number"], 1)
        listed = client.get(
            "runs", params={"filter": f'sweep_id = "{sweep["id"]}"', "sort": "metrics.validation_mae"}
        ).json()["items"]
        assert [one["metrics"]["validation_mae"] for one in listed] == sorted(values)
        events = client.get("events", params={"subject": f"sweeps/{sweep['id']}"}).json()["items"]
        assert [event["type"] for event in events] == ["SweepEnded", "SweepStarted"]
        assert events[0]["payload"]["best_run_id"] == run["id"]

    def test_that_is_cancelled_stops_its_trials(self, client: httpx.Client, drain: Drain) -> None:
        sweep = start(client)
        cancelled = client.post(f"sweeps/{sweep['id']}/cancel").json()
        assert (cancelled["state"], cancelled["reason"].startswith("cancelled by ")) == ("cancelled", True)
        sweep = read(client, sweep)
        assert states(sweep) == ["cancelled", "cancelled", "skipped", "skipped"]
        assert drain() == []
        problem = client.post(f"sweeps/{sweep['id']}/cancel").json()
        assert (problem["status"], problem["code"]) == (409, "sweep_ended")


class TestTrials:
    def test_go_on_when_one_is_cancelled_or_fails(self, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        sweep = start(client)
        client.post(f"jobs/{sweep['trials'][0]['job_id']}/cancel")
        drain()
        sweep = read(client, sweep)
        assert (sweep["state"], states(sweep)) == ("succeeded", ["cancelled", "finished", "finished", "finished"])
        assert sweep["trials"][0]["reason"] == "asked by a person"

    def test_that_are_refused_leave_their_place(self, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        sweep = start(client)
        with tools.runtime.transaction() as session:
            version = session.query(DatasetVersion).filter_by(number=1).one()
            version.state = VersionState.REJECTED
        drain()
        sweep = read(client, sweep)
        assert (sweep["state"], states(sweep)) == ("succeeded", ["finished", "finished", "refused", "refused"])
        assert "was rejected by its checks" in sweep["trials"][2]["reason"]

    def test_that_all_came_to_nothing_fail_the_sweep(self, client: httpx.Client) -> None:
        sweep = start(client, space={"strength": [1.0]})
        client.post(f"jobs/{sweep['trials'][0]['job_id']}/cancel")
        sweep = read(client, sweep)
        assert (sweep["state"], sweep["reason"]) == ("failed", "No trial came to a value of the metric.")

    def test_are_begun_once_however_often_it_goes_on(self, client: httpx.Client, tools: Toolbox) -> None:
        sweep = start(client)
        for _ in range(3):
            with tools.runtime.transaction() as session:
                service.go_on(session, sweep_id=sweep["id"])
        assert read(client, sweep)["trials"] == sweep["trials"]
        assert len(client.get("runs").json()["items"]) == 2

    def test_survive_a_worker_that_dies(
        self, client: httpx.Client, drain: Drain, tools: Toolbox, clock: SteppingClock
    ) -> None:
        sweep = start(client)
        with tools.runtime.transaction() as session:
            assert jobs.claim(session, sweep["trials"][0]["job_id"], worker="dead", lease_seconds=5) is not None
        clock.advance(60)
        with tools.runtime.transaction() as session:
            jobs.reap(session)
        drain()
        assert states(read(client, sweep)) == ["finished"] * 4

    def test_end_early_without_improvement(self, client: httpx.Client, drain: Drain) -> None:
        sweep = start(client, parallel=1, patience=1, space={"strength": [0.1, 1000.0, 0.2]})
        drain()
        sweep = read(client, sweep)
        assert (sweep["state"], sweep["reason"]) == ("succeeded", "The last 1 trials were no better.")
        assert states(sweep) == ["finished", "finished", "skipped"]

    def test_do_not_begin_when_the_time_is_over(self, client: httpx.Client, drain: Drain, clock: SteppingClock) -> None:
        sweep = start(client, max_seconds=60)
        clock.advance(61)
        drain()
        sweep = read(client, sweep)
        assert (sweep["reason"], states(sweep)) == (
            "The 60 seconds were over.",
            ["finished", "finished", "skipped", "skipped"],
        )


class TestTheModel:
    def test_gets_the_best_run_alone(self, client: httpx.Client, drain: Drain) -> None:
        sweep = start(client, base=BASE | {"model": "progress"})
        ended = drain()
        versions = client.get("models/progress/versions").json()["items"]
        assert [one["run_id"] for one in versions] == [read(client, sweep)["best"]["run_id"]]
        assert all(job.state == JobState.SUCCEEDED for job in ended)

    def test_gets_nothing_from_a_sweep_that_was_cancelled(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        sweep = start(client, base=BASE | {"model": "progress"})
        work(tools, sweep["trials"][0])
        client.post(f"sweeps/{sweep['id']}/cancel")
        drain()
        assert client.get("models/progress").status_code == 404


class TestListing:
    def test_is_by_experiment_and_state(self, client: httpx.Client) -> None:
        first, second = start(client), start(client)
        client.post(f"sweeps/{first['id']}/cancel")

        def ids(**params: str) -> list[str]:
            return [one["id"] for one in client.get("sweeps", params=params).json()["items"]]

        assert ids() == [second["id"], first["id"]]
        assert ids(state="running", experiment="study") == [second["id"]]
        assert "trials" not in client.get("sweeps").json()["items"][0]
        assert client.get("sweeps", params={"experiment": "x"}).status_code == 404
        assert client.get("sweeps/nothing").json()["code"] == "unknown_sweep"

    def test_is_once_under_one_key(self, client: httpx.Client) -> None:
        key = {"Idempotency-Key": "once"}
        first, second = (client.post("experiments/study/sweeps", json=SPEC, headers=key).json() for _ in range(2))
        assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"space": {}}, "invalid_request", "body.space"),
        ({"parallel": 0}, "invalid_request", "body.parallel"),
        ({"base": BASE | {"target": "nope"}}, "bad_target", "base.target"),
        ({"base": BASE | {"dataset": "nope"}}, "unknown_training_data", "base.dataset"),
        ({"base": BASE | {"params": {"alpha": 1}}}, "bad_parameter", "base.params.alpha"),
        ({"base": BASE | {"trainer": "lineal"}}, "unknown_trainer", "base.trainer"),
        ({"space": {"alpha": [1]}}, "bad_parameter", "space.alpha"),
        ({"objective": {"metric": "auc", "goal": "max"}}, "bad_objective", "objective.metric"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    client: httpx.Client, changes: dict[str, Any], code: str, where: str
) -> None:
    problem = client.post("experiments/study/sweeps", json=SPEC | changes).json()
    assert (problem["status"], problem["code"], problem["where"]) == (422, code, where)
    assert client.get("sweeps").json()["items"] == []
