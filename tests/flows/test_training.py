"""Walk: a spec becomes a run, the run a package and a model version, the version is checked, all through real doors."""

from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from adapters.runtime import Runtime
from domain.errors import Invalid, Unavailable
from domain.experiments.queries import get_run
from domain.jobs.states import JobState
from domain.training import service
from domain.training.jobs import TrainModel
from ml.models import PACKAGE_FILE
from ml.splits import row_hashes
from tests.conftest import Drain, SteppingClock, TrackingInMemory
from tests.training_data import TUMOURS, make_dataset, upload
from workers.handlers.training import train_model
from workers.run import RunningJob, run_job
from workers.scoring import PREDICTION, read_parquet
from workers.toolbox import Toolbox

SPEC: dict[str, Any] = {
    "dataset": "tumours",
    "trainer": "gradient_boosting",
    "task": "classification",
    "target": "label",
    "params": {"n_estimators": 20, "max_depth": 3},
    "split": {"method": "stratified"},
}


@pytest.fixture(autouse=True)
def tumours(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "tumours", TUMOURS)
    assert client.post("experiments", json={"name": "study"}).status_code == 201


def start(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post("experiments/study/runs", json=SPEC | changes)


def train(client: httpx.Client, drain: Drain, **changes: Any) -> dict[str, Any]:
    """Start a run, do all work that follows, and give the run."""
    answer = start(client, **changes)
    assert answer.status_code == 202, answer.text
    drain()
    run: dict[str, Any] = client.get(answer.json()["subject"]).json()
    return run


def event_types(client: httpx.Client, subject: str) -> list[str]:
    items = client.get("events", params={"subject": subject, "limit": 100}).json()["items"]
    return [event["type"] for event in reversed(items) if not event["type"].startswith("Job")]


class TestATraining:
    def test_goes_from_spec_to_checked_version(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory
    ) -> None:
        answer = start(client, model="tumour")
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
        pending = client.get(job["subject"]).json()
        assert (pending["state"], pending["metrics"], pending["package"]) == ("pending", {}, None)

        ended = drain()

        assert [(one.kind, one.state) for one in ended] == [
            ("TrainModel", JobState.SUCCEEDED),
            ("RunModelChecks", JobState.SUCCEEDED),
            ("MirrorVersion", JobState.SUCCEEDED),
        ]
        run = client.get(job["subject"]).json()
        assert (run["state"], run["experiment"], run["dataset"], run["dataset_version"]) == (
            "finished", "study", "tumours", 1
        )  # fmt: skip
        assert run["metrics"]["test_accuracy"] > 0.85
        assert run["package"]["flavor"] == "onnx"
        assert run["package"]["agreement"]["holds"]
        assert run["environment"]["python"].startswith("3.")
        assert sum(run["importances"].values()) == pytest.approx(1.0)
        assert event_types(client, job["subject"]) == ["RunCreated", "RunFinished"]

        version = client.get("models/tumour/versions/1").json()
        assert (version["state"], version["run_id"], version["flavor"]) == ("checked", run["id"], "onnx")
        assert version["metrics"] == run["metrics"]
        assert event_types(client, "models/tumour") == ["ModelCreated", "ModelVersionCreated", "ModelVersionChecked"]
        assert ("tumour", 1) in tracking.versions

    def test_tells_mlflow_data_steps_and_metrics(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory
    ) -> None:
        run = train(client, drain, code_commit="0f3a9c1")
        record = tracking.runs[run["id"]]
        assert (record.experiment, record.dataset.name, record.dataset.version) == ("study", "tumours", 1)
        assert record.dataset.digest == run["dataset_digest"]
        assert record.metrics == run["metrics"]
        assert [step for step, _ in record.steps] == list(range(1, 21))
        assert record.tags["mlflow.source.git.commit"] == run["code_commit"] == "0f3a9c1"
        assert record.params["n_estimators"] == 20
        assert record.model is not None

    def test_leaves_a_package_that_serving_can_open(self, client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
        run = train(client, drain)
        prefix = f"packages/{run['package_digest']}"
        stored = {info.key.removeprefix(f"{prefix}/") for info in runtime.models.list(prefix)}
        assert stored == {PACKAGE_FILE, *(file["path"] for file in run["package"]["files"])}

    def test_keeps_which_rows_it_saw_and_which_are_frozen(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        run_id = train(client, drain)["id"]
        with tools.runtime.reading() as session:
            run = get_run(session, run_id)
        frozen = read_parquet(tools, run.test_rows_md5)
        reference = read_parquet(tools, run.reference_md5)
        seen = np.frombuffer(tools.runtime.contents.read(run.train_inputs_md5), dtype="<u8")

        inputs = [column["name"] for column in run.package["signature"]["inputs"]]
        assert frozen.columns == [*inputs, "label"]
        assert reference.columns == [*inputs, PREDICTION]
        assert set(reference[PREDICTION]) == {"benign", "malignant"}
        assert reference.height == len(seen)
        assert np.isin(row_hashes(TUMOURS, inputs), seen).sum() == len(seen)
        assert not np.isin(row_hashes(frozen, inputs), seen).any()

    def test_keeps_the_columns_it_does_not_read_with_the_frozen_rows(
        self, client: httpx.Client, drain: Drain, tools: Toolbox
    ) -> None:
        run = train(client, drain, features=["mean_area", "mean_texture", "mean_smoothness"])
        with tools.runtime.reading() as session:
            stored = get_run(session, run["id"])
        frozen = read_parquet(tools, stored.test_rows_md5)
        seen = np.frombuffer(tools.runtime.contents.read(stored.train_inputs_md5), dtype="<u8")
        asked = ["mean_area", "mean_texture", "mean_smoothness"]
        others = [name for name in TUMOURS.columns if name not in {*asked, "label"}]
        assert frozen.columns == [*asked, "label", *others]
        assert np.isin(row_hashes(TUMOURS, asked), seen).sum() == len(seen)
        assert not np.isin(row_hashes(frozen, asked), seen).any()

    def test_gives_the_same_metrics_and_digest_of_rows_for_the_same_spec(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        first, second = train(client, drain), train(client, drain)
        other = train(client, drain, seed=1)
        assert first["metrics"] == second["metrics"] != other["metrics"]
        assert first["id"] != second["id"]

    def test_is_served_from_python_when_onnx_cannot_hold_it(self, client: httpx.Client, drain: Drain) -> None:
        params = {"max_iter": 10, "min_samples_leaf": 5}
        run = train(client, drain, trainer="hist_gradient_boosting", params=params, model="tumour")
        assert run["package"]["flavor"] == "python"
        assert "does not convert" in run["package"]["reason"]
        report = client.get("models/tumour/versions/1/checks").json()
        assert report["metrics"]["accuracy"] == pytest.approx(run["metrics"]["test_accuracy"])

    def test_writes_progress_and_a_log(self, client: httpx.Client, drain: Drain) -> None:
        answer = start(client).json()
        drain()
        job = client.get(f"jobs/{answer['id']}").json()
        lines = [line["line"] for line in client.get(f"{answer['subject']}/logs").json()]
        assert job["progress"] == 1.0
        assert any(line.startswith("tumours@1: 569 rows, 7 columns") for line in lines)
        assert any(line.startswith("step 20: train_loss") for line in lines)
        assert any(line.startswith("served as onnx") for line in lines)

    def test_trains_on_the_newest_validated_version(self, client: httpx.Client, drain: Drain) -> None:
        upload(client, "tumours", TUMOURS.head(400))
        drain()
        assert train(client, drain)["dataset_version"] == 2
        assert train(client, drain, dataset="tumours@1")["dataset_version"] == 1

    def test_next_run_is_the_next_version(self, client: httpx.Client, drain: Drain) -> None:
        first, second = train(client, drain, model="tumour"), train(client, drain, model="tumour", seed=3)
        versions = client.get("models/tumour/versions").json()["items"]
        assert [(version["number"], version["run_id"]) for version in versions] == [(2, second["id"]), (1, first["id"])]


class TestATrainingThatGoesWrong:
    def test_tries_again_while_mlflow_is_away(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory, clock: SteppingClock
    ) -> None:
        tracking.away = True
        job = start(client).json()
        drain()
        assert client.get(f"jobs/{job['id']}").json()["error"]["code"] == "tracking_away"
        assert client.get(job["subject"]).json()["state"] == "running"
        tracking.away = False
        clock.advance(10)
        drain()
        run = client.get(job["subject"]).json()
        assert (run["state"], list(tracking.runs)) == ("finished", [run["id"]])

    def test_fails_the_run_when_mlflow_stays_away(
        self, client: httpx.Client, drain: Drain, tracking: TrackingInMemory, clock: SteppingClock
    ) -> None:
        tracking.away = True
        job = start(client).json()
        for _ in range(TrainModel.max_attempts):
            drain()
            clock.advance(300)
        run = client.get(job["subject"]).json()
        assert (run["state"], run["reason"], run["metrics"]) == ("failed", "MLflow does not answer.", {})
        assert event_types(client, job["subject"]) == ["RunCreated", "RunFailed"]

        tracking.away = False
        assert client.post(f"jobs/{job['id']}/retry").status_code == 202
        drain()
        run = client.get(job["subject"]).json()
        assert (run["state"], run["reason"]) == ("finished", "")

    def test_fails_the_run_at_once_for_what_only_the_rows_tell(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        rare = TUMOURS.with_columns(label=pl.Series(["odd", *TUMOURS["label"][1:]]))
        make_dataset(client, drain, "rare", rare)
        job = start(client, dataset="rare", model="tumour").json()
        ended = drain()
        assert [(one.kind, one.state, one.attempt) for one in ended] == [("TrainModel", JobState.FAILED, 1)]
        run = client.get(job["subject"]).json()
        assert run["state"] == "failed"
        assert run["reason"] == "'label' is 'odd' in only 1 rows; each of the three parts needs one."
        assert client.get("models/tumour").status_code == 404
        assert not list(runtime.models.list("packages"))

    def test_that_fails_or_is_cancelled_does_not_run_for_ever_in_mlflow(
        self, client: httpx.Client, drain: Drain, tools: Toolbox, tracking: TrackingInMemory, clock: SteppingClock
    ) -> None:
        def begin_and_fail(running: RunningJob[TrainModel], given: Toolbox) -> dict[str, Any]:
            with running.transaction() as session:
                service.begin_run(session, run_id=running.spec.run_id)
                service.record_tracking(session, run_id=running.spec.run_id, mlflow_run_id=f"m-{len(begun)}")
            begun.append(running.spec.run_id)
            raise begun_errors[len(begun) - 1]

        begun: list[str] = []
        begun_errors = [Invalid("The rows are odd."), Unavailable("The machine went away.")]
        failed, cancelled = start(client).json(), start(client, seed=2).json()
        for job in (failed, cancelled):
            assert run_job(job["id"], tools=tools, handlers={TrainModel: begin_and_fail}, worker="w")
        assert client.get(cancelled["subject"]).json()["mlflow_run_id"] == "m-1"
        assert tracking.ended == {}
        assert client.post(f"jobs/{cancelled['id']}/cancel").status_code == 200
        ended = drain()
        assert [(one.kind, one.state) for one in ended] == [("EndTracking", JobState.SUCCEEDED)] * 2
        assert tracking.ended == {"m-0": False, "m-1": True}

    def test_is_not_done_twice_when_the_worker_dies_after_recording(
        self, client: httpx.Client, tools: Toolbox, clock: SteppingClock, tracking: TrackingInMemory
    ) -> None:
        job = start(client, model="tumour").json()

        def train_and_die(running: RunningJob[TrainModel], given: Toolbox) -> dict[str, Any]:
            train_model(running, given)
            raise Unavailable("the machine went away")

        for _ in range(2):
            assert run_job(job["id"], tools=tools, handlers={TrainModel: train_and_die}, worker="w")
            clock.advance(60)
        assert run_job(job["id"], tools=tools, handlers={TrainModel: train_model}, worker="w")
        assert client.get(f"jobs/{job['id']}").json()["state"] == "succeeded"
        assert event_types(client, job["subject"]) == ["RunCreated", "RunFinished"]
        assert client.get("models/tumour").json()["versions"] == 1
        attempts = [line for line in client.get(f"{job['subject']}/logs").json() if "served as" in line["line"]]
        assert len(attempts) == 1

    def test_is_cancelled_before_it_starts_and_can_be_taken_up_again(self, client: httpx.Client, drain: Drain) -> None:
        job = start(client).json()
        assert client.post(f"jobs/{job['id']}/cancel").status_code == 200
        run = client.get(job["subject"]).json()
        assert (run["state"], run["reason"]) == ("cancelled", "asked by a person")
        assert event_types(client, job["subject"]) == ["RunCreated", "RunCancelled"]
        assert client.post(f"jobs/{job['id']}/retry").status_code == 202
        drain()
        assert client.get(job["subject"]).json()["state"] == "finished"

    def test_finishes_without_a_version_when_the_model_has_become_another(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        job = start(client, model="tumour").json()
        made = {"name": "tumour", "task": "regression", "target": "size"}
        assert client.post("models", json=made).status_code == 201
        drain()
        assert client.get(job["subject"]).json()["state"] == "finished"
        assert event_types(client, "models/tumour") == ["ModelCreated", "ModelVersionRefused"]
        assert client.get("models/tumour").json()["versions"] == 0


class TestARejectedVersion:
    @pytest.fixture(autouse=True)
    def rejected(self, client: httpx.Client, drain: Drain) -> None:
        suite = {"checks": [{"check": "row_count", "min": 500}]}
        assert client.put("datasets/tumours/check-suite", json=suite).status_code == 200
        upload(client, "tumours", TUMOURS.head(300))
        drain()
        assert client.get("datasets/tumours/versions/2").json()["state"] == "rejected"

    def test_is_not_trained_on(self, client: httpx.Client) -> None:
        problem = start(client, dataset="tumours@2").json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "dataset_version_rejected", "dataset")
        assert "300" in problem["detail"]

    def test_is_not_what_the_plain_name_means(self, client: httpx.Client, drain: Drain) -> None:
        assert train(client, drain)["dataset_version"] == 1

    def test_is_trained_on_when_forced_and_the_forcing_is_audited(self, client: httpx.Client, drain: Drain) -> None:
        run = train(client, drain, dataset="tumours@2", force=True)
        assert (run["state"], run["dataset_version"]) == ("finished", 2)
        events = client.get("events", params={"type": "TrainingForced"}).json()["items"]
        assert [(event["subject"], event["actor"]) for event in events] == [(f"runs/{run['id']}", run["created_by"])]
        assert events[0]["payload"]["number"] == 2
        assert len(events[0]["payload"]["reasons"]) == 1

    def test_forcing_what_needs_no_force_is_no_event(self, client: httpx.Client, drain: Drain) -> None:
        train(client, drain, dataset="tumours@1", force=True)
        assert client.get("events", params={"type": "TrainingForced"}).json()["items"] == []


class TestTheSameKey:
    def test_starts_one_run(self, client: httpx.Client) -> None:
        key = {"Idempotency-Key": "once"}
        answers = [client.post("experiments/study/runs", json=SPEC, headers=key).json() for _ in range(2)]
        assert answers[0]["id"] == answers[1]["id"]
        assert len(client.get("runs").json()["items"]) == 1


def test_a_spec_in_yaml_is_the_same_spec(client: httpx.Client, drain: Drain) -> None:
    text = b"""
dataset: tumours
trainer: linear
task: classification
target: label
features: [mean_radius, mean_texture]
"""
    answer = client.post("experiments/study/runs", content=text, headers={"content-type": "application/yaml"})
    assert answer.status_code == 202, answer.text
    drain()
    run = client.get(answer.json()["subject"]).json()
    assert (run["state"], run["spec"]["features"]) == ("finished", ["mean_radius", "mean_texture"])
    assert set(run["importances"]) == {"mean_radius", "mean_texture"}
