"""Walk: a finished run is trained again, and a verdict says whether the same came out."""

import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain.datasets.models import DatasetVersion
from domain.datasets.states import VersionState
from domain.db import WriteSession
from domain.experiments.models import Run
from tests.conftest import Drain, SteppingClock, TrackingInMemory
from tests.training_data import PATIENTS, make_dataset
from workers.toolbox import Toolbox

SPEC: dict[str, Any] = {"dataset": "patients", "trainer": "linear", "task": "regression", "target": "progress"}


@pytest.fixture(autouse=True)
def patients(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "patients", PATIENTS)
    assert client.post("experiments", json={"name": "study"}).status_code == 201


def train(client: httpx.Client, drain: Drain, **changes: Any) -> str:
    """Start a run and do all work that follows; its id."""
    answer = client.post("experiments/study/runs", json=SPEC | changes)
    assert answer.status_code == 202, answer.text
    drain()
    return str(answer.json()["subject"]).removeprefix("runs/")


def reproduce(client: httpx.Client, drain: Drain, run_id: str, **body: Any) -> dict[str, Any]:
    """The reproduction, after its job."""
    answer = client.post(f"runs/{run_id}/reproduce", json=body)
    assert answer.status_code == 202, answer.text
    drain()
    found: dict[str, Any] = client.get(f"runs/{run_id}/reproductions").json()["items"][0]
    return found


def changed(tools: Toolbox, change: Callable[[WriteSession], None]) -> None:
    with tools.runtime.transaction() as session:
        change(session)


class TestVerdict:
    def test_is_bit_identical_for_the_same_of_everything(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory
    ) -> None:
        run_id = train(client, drain, model="progress", seed=7, code_commit="0f3a9c1")
        made = reproduce(client, drain, run_id)
        assert (made["state"], made["verdict"], made["tolerance"]) == ("succeeded", "bit_identical", 1e-6)
        finding = made["finding"]
        assert (finding["reasons"], finding["metrics"], finding["environment"]) == ([], [], [])
        assert finding["same_files"]
        assert finding["predictions"] == {"rows": 88, "largest": 0.0, "differing": 0, "same_label": None}

        first, again = (client.get(f"runs/{one}").json() for one in (run_id, made["again_id"]))
        assert (again["state"], again["reproduces"], again["reproduction_id"]) == ("finished", run_id, made["id"])
        for name in ("metrics", "seed", "params", "dataset_digest", "code_commit", "environment_digest", "experiment"):
            assert again[name] == first[name]
        assert (first["last_verdict"], first["reproduces"]) == ("bit_identical", None)
        assert tracking.runs[again["id"]].tags["millrace.reproduces"] == run_id
        assert client.get(f"reproductions/{made['id']}").json() == made
        job = client.get(f"jobs/{made['job_id']}").json()
        assert (job["result"]["verdict"], job["result"]["again_id"]) == ("bit_identical", again["id"])
        event = client.get("events", params={"type": "RunReproduced"}).json()["items"][0]
        assert (event["subject"], event["payload"]["verdict"]) == (f"runs/{run_id}", "bit_identical")

    def test_registers_nothing(self, client: httpx.Client, drain: Drain) -> None:
        run_id = train(client, drain, model="progress")
        made = reproduce(client, drain, run_id)
        assert [one["run_id"] for one in client.get("models/progress/versions").json()["items"]] == [run_id]
        assert client.get(f"runs/{run_id}").json()["versions"] == [{"model": "progress", "number": 1}]
        assert client.get(f"runs/{made['again_id']}").json()["versions"] == []

    def test_counts_predictions_where_a_package_is_python(self, client: httpx.Client, drain: Drain) -> None:
        run_id = train(client, drain, trainer="hist_gradient_boosting", params={"max_iter": 5})
        made = reproduce(client, drain, run_id)
        assert client.get(f"runs/{run_id}").json()["package"]["flavor"] == "python"
        assert (made["verdict"], made["finding"]["predictions"]["differing"]) == ("bit_identical", 0)

    def test_stays_with_the_version_that_was_trained_on(self, client: httpx.Client, drain: Drain) -> None:
        run_id = train(client, drain)
        client.post("datasets/patients/versions", files=[("files", ("p.csv", PATIENTS.head(300).write_csv().encode()))])
        drain()
        made = reproduce(client, drain, run_id)
        assert made["verdict"] == "bit_identical"
        assert client.get(f"runs/{made['again_id']}").json()["dataset_version"] == 1

    def test_names_what_is_another_version_now(self, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        run_id = train(client, drain, code_commit="0f3a9c1")

        def older(session: WriteSession) -> None:
            run = session.get_one(Run, run_id)
            run.environment = run.environment | {"scikit-learn": "1.0"}
            run.metrics = run.metrics | {"test_mae": run.metrics["test_mae"] + 5}

        changed(tools, older)
        made = reproduce(client, drain, run_id)
        finding = made["finding"]
        assert made["verdict"] == "not_reproduced"
        assert [one["name"] for one in finding["environment"]] == ["scikit-learn"]
        assert finding["metrics"][0]["name"] == "test_mae"
        assert "it differs by -5" in finding["reasons"][0]
        assert finding["reasons"][1].startswith("The environment differs: scikit-learn was 1.0 and is ")
        assert finding["reasons"][2] == "No connected repository has the commit 0f3a9c1 that the run names."

    def test_takes_what_is_within_the_tolerance(self, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        run_id = train(client, drain)

        def nudge(session: WriteSession) -> None:
            run = session.get_one(Run, run_id)
            run.metrics = run.metrics | {"test_mae": run.metrics["test_mae"] * (1 + 1e-5)}

        changed(tools, nudge)
        assert reproduce(client, drain, run_id, tolerance=1e-4)["verdict"] == "within_tolerance"
        assert reproduce(client, drain, run_id, tolerance=0)["verdict"] == "not_reproduced"
        verdicts = [one["verdict"] for one in client.get(f"runs/{run_id}/reproductions").json()["items"]]
        assert verdicts == ["not_reproduced", "within_tolerance"]

    def test_goes_by_metrics_and_bytes_when_the_package_is_gone(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        run_id = train(client, drain)
        digest = client.get(f"runs/{run_id}").json()["package_digest"]
        for stored in list(tools.runtime.models.list(f"packages/{digest}")):
            tools.runtime.models.delete(stored.key)
        shutil.rmtree(tools.scratch / "packages")
        made = reproduce(client, drain, run_id)
        assert (made["verdict"], made["finding"]["predictions"]) == ("bit_identical", None)

    def test_is_not_reproduced_when_the_data_was_deleted(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        run_id = train(client, drain)

        def forget(session: WriteSession) -> None:
            run = session.get_one(Run, run_id)
            session.get_one(DatasetVersion, run.dataset_version_id).state = VersionState.DELETED

        changed(tools, forget)
        made = reproduce(client, drain, run_id)
        assert (made["state"], made["verdict"], made["again_id"]) == ("succeeded", "not_reproduced", None)
        assert made["finding"]["reasons"] == ["patients@1, which it was trained on, was deleted."]

    def test_is_not_reproduced_when_it_cannot_be_trained(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        run_id = train(client, drain)

        def forget(session: WriteSession) -> None:
            run = session.get_one(Run, run_id)
            run.spec = run.spec | {"trainer": "forgotten"}

        changed(tools, forget)
        made = reproduce(client, drain, run_id)
        assert (made["state"], made["verdict"]) == ("succeeded", "not_reproduced")
        assert made["finding"]["reasons"][0].startswith("It cannot be trained again: There is no trainer 'forgotten'")
        again = client.get(f"runs/{made['again_id']}").json()
        assert (again["state"], "forgotten" in again["reason"]) == ("failed", True)


class TestItsJob:
    def test_waits_for_mlflow(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory, clock: SteppingClock
    ) -> None:
        run_id = train(client, drain)
        tracking.away = True
        made = reproduce(client, drain, run_id)
        assert (made["state"], made["verdict"]) == ("queued", None)
        tracking.away = False
        clock.advance(10)
        drain()
        assert client.get(f"reproductions/{made['id']}").json()["verdict"] == "bit_identical"

    def test_takes_its_run_along_when_it_is_cancelled(self, client: httpx.Client, drain: Drain) -> None:
        run_id = train(client, drain)
        job = client.post(f"runs/{run_id}/reproduce").json()
        client.post(f"jobs/{job['id']}/cancel")
        made = client.get(f"runs/{run_id}/reproductions").json()["items"][0]
        assert (made["state"], made["verdict"]) == ("cancelled", None)
        assert client.get(f"runs/{made['again_id']}").json()["state"] == "cancelled"

    def test_is_ordered_once_under_one_key(self, client: httpx.Client, drain: Drain) -> None:
        run_id = train(client, drain)
        key = {"Idempotency-Key": "once"}
        first, second = (client.post(f"runs/{run_id}/reproduce", headers=key).json() for _ in range(2))
        assert first["id"] == second["id"]
        assert len(client.get(f"runs/{run_id}/reproductions").json()["items"]) == 1


class TestRefusal:
    def test_of_a_run_that_has_not_finished(self, client: httpx.Client) -> None:
        answer = client.post("experiments/study/runs", json=SPEC).json()
        problem = client.post(f"{answer['subject']}/reproduce").json()
        assert (problem["status"], problem["code"], problem["where"]) == (409, "not_reproducible", "run_id")

    def test_of_a_run_that_was_trained_elsewhere(self, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        run_id = train(client, drain)

        def imported(session: WriteSession) -> None:
            session.get_one(Run, run_id).trainer = "mlflow"

        changed(tools, imported)
        problem = client.post(f"runs/{run_id}/reproduce").json()
        assert (problem["status"], problem["code"]) == (409, "not_reproducible")

    @pytest.mark.parametrize("tolerance", [-1, 0.2, "x", None])
    def test_of_a_tolerance_that_is_none(self, client: httpx.Client, drain: Drain, tolerance: object) -> None:
        run_id = train(client, drain)
        problem = client.post(f"runs/{run_id}/reproduce", json={"tolerance": tolerance}).json()
        assert (problem["status"], problem["where"]) == (422, "body.tolerance")

    def test_of_an_unknown_run(self, client: httpx.Client) -> None:
        for answer in (client.post("runs/nothing/reproduce"), client.get("runs/nothing/reproductions")):
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_run")
        assert client.get("reproductions/nothing").json()["code"] == "unknown_reproduction"
