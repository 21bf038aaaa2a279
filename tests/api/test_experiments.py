"""Experiments and runs over HTTP: create, list, compare, and what is refused."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.experiments.models import Run
from tests.conftest import Drain
from tests.training_data import PATIENTS, make_dataset, upload

SPEC: dict[str, Any] = {"dataset": "patients", "trainer": "linear", "task": "regression", "target": "progress"}


@pytest.fixture
def patients(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "patients", PATIENTS)
    for name in ("study", "other"):
        assert client.post("experiments", json={"name": name}).status_code == 201


def start(client: httpx.Client, experiment: str = "study", **changes: Any) -> str:
    """Start a run; its id."""
    answer = client.post(f"experiments/{experiment}/runs", json=SPEC | changes)
    assert answer.status_code == 202, answer.text
    run_id: str = answer.json()["subject"].removeprefix("runs/")
    return run_id


class TestExperiments:
    def test_are_created_listed_and_read(self, client: httpx.Client) -> None:
        made = client.post("experiments", json={"name": "study", "description": "the first"})
        assert made.status_code == 201
        assert (made.json()["name"], made.json()["description"], made.json()["runs"]) == ("study", "the first", 0)
        client.post("experiments", json={"name": "other"})
        assert [one["name"] for one in client.get("experiments").json()["items"]] == ["other", "study"]
        assert client.get("experiments/study").json() == made.json()

    def test_name_is_taken_once(self, client: httpx.Client) -> None:
        client.post("experiments", json={"name": "study"})
        problem = client.post("experiments", json={"name": "study"}).json()
        assert (problem["status"], problem["code"], problem["where"]) == (409, "experiment_exists", "name")

    @pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-x", "\uff53tudy", "x" * 101, None, 3])
    def test_name_is_plain(self, client: httpx.Client, name: object) -> None:
        problem = client.post("experiments", json={"name": name}).json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "invalid_request", "body.name")

    @pytest.mark.usefixtures("patients")
    def test_count_their_runs(self, client: httpx.Client) -> None:
        start(client)
        start(client)
        assert client.get("experiments/study").json()["runs"] == 2
        assert client.get("experiments/other").json()["runs"] == 0


@pytest.mark.usefixtures("patients")
class TestRuns:
    def test_are_listed_by_experiment_and_state_in_either_order(self, client: httpx.Client, drain: Drain) -> None:
        first, second = start(client), start(client)
        drain()
        third = start(client, "other")

        def ids(**params: str) -> list[str]:
            return [run["id"] for run in client.get("runs", params=params).json()["items"]]

        assert ids() == [third, second, first]
        assert ids(sort="created_at") == [first, second, third]
        assert ids(experiment="study") == [second, first]
        assert ids(state="pending") == [third]
        assert ids(experiment="other", state="finished") == []

    def test_come_in_pages(self, client: httpx.Client) -> None:
        made = [start(client) for _ in range(3)]
        page = client.get("runs", params={"limit": 2, "sort": "created_at"}).json()
        rest = client.get("runs", params={"limit": 2, "sort": "created_at", "cursor": page["next_cursor"]}).json()
        assert [run["id"] for run in page["items"] + rest["items"]] == made
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize(
        ("params", "where"),
        [({"sort": "metrics"}, "sort"), ({"state": "done"}, "query.state"), ({"limit": 0}, "query.limit")],
    )
    def test_are_listed_only_in_ways_that_exist(
        self, client: httpx.Client, params: dict[str, str | int], where: str
    ) -> None:
        problem = client.get("runs", params=params).json()
        assert (problem["status"], problem["where"]) == (422, where)

    def test_are_found_by_a_filter_and_sorted_by_a_metric(self, client: httpx.Client, drain: Drain) -> None:
        ids = [start(client, params={"strength": strength}) for strength in (0.1, 1000.0)] + [start(client, "other")]
        drain()

        def found(**params: str) -> list[str]:
            return [run["id"] for run in client.get("runs", params=params).json()["items"]]

        assert found(filter="params.strength > 1 or experiment = other") == [ids[2], ids[1]]
        assert found(filter="params.strength > 0", sort="-metrics.test_mae") == [ids[1], ids[0]]
        assert found(filter="dataset = patients", experiment="other", state="finished") == [ids[2]]
        assert found(filter=" ") == ids[::-1]

    def test_say_where_a_filter_is_wrong(self, client: httpx.Client) -> None:
        problem = client.get("runs", params={"filter": "metrics.mae < low"}).json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "bad_run_filter", "filter")
        assert problem["detail"] == "At character 15 there is 'low'; expected a number."

    def test_tell_how_long_they_took_and_what_became_of_them(self, client: httpx.Client, drain: Drain) -> None:
        run_id = start(client, model="progress")
        drain()
        run = client.get(f"runs/{run_id}").json()
        assert run["duration_seconds"] > 0
        assert run["versions"] == [{"model": "progress", "number": 1}]
        assert [run[name] for name in ("turn", "trial", "sweep_id", "reproduces", "last_verdict")] == [None] * 5

    def test_with_a_metric_that_is_no_number_are_read(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        run_id = start(client)
        drain()
        with runtime.transaction() as session:
            session.get_one(Run, run_id).metrics = {"test_mae": None}
        assert client.get(f"runs/{run_id}").json()["metrics"] == {"test_mae": None}
        assert client.get(f"runs/{run_id}/metrics").json() == {"test_mae": None}
        assert client.get("runs", params={"filter": "metrics.test_mae < 1e300"}).json()["items"] == []

    def test_of_an_unknown_experiment_are_a_404(self, client: httpx.Client) -> None:
        problem = client.get("runs", params={"experiment": "stud"}).json()
        assert (problem["status"], problem["code"], problem["fix"]) == (
            404,
            "unknown_experiment",
            "Did you mean 'study'?",
        )

    def test_tell_their_final_metrics(self, client: httpx.Client, drain: Drain) -> None:
        run_id = start(client)
        assert client.get(f"runs/{run_id}/metrics").json() == {}
        drain()
        metrics = client.get(f"runs/{run_id}/metrics").json()
        assert {"train_mae", "validation_mae", "test_mae", "validation_loss"} <= set(metrics)
        assert metrics == client.get(f"runs/{run_id}").json()["metrics"]

    @pytest.mark.parametrize("path", ["runs/nothing", "runs/nothing/metrics", "runs/nothing/logs"])
    def test_unknown_ones_are_a_404(self, client: httpx.Client, path: str) -> None:
        problem = client.get(path).json()
        assert (problem["status"], problem["code"]) == (404, "unknown_run")


@pytest.mark.usefixtures("patients")
class TestComparison:
    def test_shows_what_differs_and_every_metric(self, client: httpx.Client, drain: Drain) -> None:
        ids = [start(client), start(client, params={"strength": 10.0}, seed=4), start(client, features=["bmi"])]
        drain()
        ids.append(start(client))
        found = client.get("runs/compare", params={"ids": ",".join(ids)}).json()
        assert found["runs"] == ids
        assert found["states"] == ["finished", "finished", "finished", "pending"]
        assert found["datasets"] == ["patients@1"] * 4
        assert found["params"] == {
            "params.strength": [None, 10.0, None, None],
            "seed": [0, 4, 0, 0],
            "features": [None, None, ["bmi"], None],
        }
        assert (found["differs"], found["environments"]) == (["params"], {})
        maes = found["metrics"]["test_mae"]
        assert maes[3] is None
        assert maes[2] > maes[0]

    def test_tells_data_code_and_environment_apart(self, client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
        upload(client, "patients", PATIENTS.head(300))
        drain()
        ids = [start(client, dataset="patients@1", code_commit="0f3a9c1"), start(client)]
        drain()
        with runtime.transaction() as session:
            run = session.get_one(Run, ids[0])
            run.environment = run.environment | {"numpy": "1.0"}
        ids.append(start(client))  # not finished: it has no environment yet
        found = client.get("runs/compare", params={"ids": ",".join(ids)}).json()
        assert found["differs"] == ["data", "code", "environment"]
        assert found["datasets"] == ["patients@1", "patients@2", "patients@2"]
        assert len(set(found["dataset_digests"])) == 2
        assert list(found["environments"]) == ["numpy"]
        assert found["environments"]["numpy"][::2] == ["1.0", None]

    @pytest.mark.parametrize("count", [0, 1, 101])
    def test_takes_two_to_a_hundred(self, client: httpx.Client, count: int) -> None:
        ids = ",".join(f"run{place}" for place in range(count))
        problem = client.get("runs/compare", params={"ids": ids}).json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "bad_comparison", "ids")

    def test_names_the_run_that_does_not_exist(self, client: httpx.Client) -> None:
        run_id = start(client)
        problem = client.get("runs/compare", params={"ids": f"{run_id},nothing"}).json()
        assert (problem["status"], problem["code"]) == (404, "unknown_run")
        assert "'nothing'" in problem["detail"]
