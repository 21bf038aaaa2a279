"""Tracking against a real MLflow server: a run is whole and written once; its model and alias work for MLflow users."""

import time
from collections.abc import Iterator
from dataclasses import replace

import mlflow
import mlflow.sklearn
import numpy as np
import polars as pl
import pytest
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_diabetes

from adapters.mlflow_server import TrackingAway
from adapters.tracking import NotTracked, RunRecord, TrackedDataset, TrackedRun, Tracking, TrackingRefused
from domain.training.specs import TrainSpec
from ml.encoding import Encoder
from ml.inputs import encode_frame
from ml.pipelines import as_table
from ml.trainers.train import TrainedModel, train
from tests.servers import mlflow as mlflow_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    data = load_diabetes()
    return pl.DataFrame(data.data[:, :3], schema=["age", "sex", "bmi"]).with_columns(progress=pl.Series(data.target))


@pytest.fixture(scope="module")
def trained(frame: pl.DataFrame) -> TrainedModel:
    spec = TrainSpec(dataset="patients@3", trainer="linear", task="regression", target="progress")
    return train(frame, spec, lambda step, losses: None, lambda fraction, message: None)


@pytest.fixture(scope="module")
def record(frame: pl.DataFrame, trained: TrainedModel) -> RunRecord:
    return RunRecord(
        run_id="0190-run",
        experiment="patients",
        name="linear on patients@3",
        params={"strength": 1.0, "features": "x" * 7000, **{f"p{n}": n for n in range(150)}},
        metrics=trained.metrics,
        steps=[(step, {"train_loss": 100.0 / step}) for step in range(1, 1203)],
        dataset=TrackedDataset("patients", 3, "d41d8cd98f00b204e9800998ecf8427e.dir" + "0" * 30, frame),
        tags={"millrace.code_commit": "abc123"},
        model=trained,
    )


@pytest.fixture(scope="module")
def tracking(server: str) -> Tracking:
    return Tracking(server)


@pytest.fixture(scope="module")
def tracked(tracking: Tracking, record: RunRecord) -> TrackedRun:
    return tracking.log_run(record)


@pytest.fixture(scope="module")
def client(server: str) -> MlflowClient:
    return MlflowClient(server)


class TestLogRun:
    def test_keeps_params_metrics_and_tags(self, client: MlflowClient, tracked: TrackedRun, record: RunRecord) -> None:
        run = client.get_run(tracked.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.params["strength"] == "1.0"
        assert len(run.data.params) == 152
        assert run.data.metrics["test_mae"] == pytest.approx(record.metrics["test_mae"])
        assert run.data.tags["millrace.code_commit"] == "abc123"
        assert run.data.tags["mlflow.runName"] == "linear on patients@3"

    def test_keeps_every_step(self, client: MlflowClient, tracked: TrackedRun) -> None:
        history = client.get_metric_history(tracked.run_id, "train_loss")
        assert max(point.step for point in history) == 1202

    def test_names_the_dataset_version_as_an_input(self, client: MlflowClient, tracked: TrackedRun) -> None:
        inputs = client.get_run(tracked.run_id).inputs
        assert inputs is not None
        [used] = inputs.dataset_inputs
        assert (used.dataset.name, used.dataset.digest) == ("patients@3", "d41d8cd98f00b204e9800998ecf8427e.dir")
        assert "datasets/patients/versions/3" in used.dataset.source

    def test_logs_a_model_that_answers_as_the_pipeline(
        self, server: str, tracked: TrackedRun, trained: TrainedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        encoder = Encoder(trained.signature)
        table = as_table(encoder, encode_frame(encoder, trained.part("test"), trained.signature.inputs))
        loaded = mlflow.sklearn.load_model(tracked.model_uri)
        np.testing.assert_array_equal(loaded.predict(table), trained.pipeline.predict(table))

    def test_its_model_loads_in_pyfunc_by_the_alias(
        self, server: str, tracking: Tracking, tracked: TrackedRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        tracking.register("by-alias", 1, tracked)
        tracking.mirror_alias("by-alias", "champion", 1)
        loaded = mlflow.pyfunc.load_model("models:/by-alias@champion")
        assert len(loaded.predict(loaded.input_example)) == 5

    def test_twice_is_once(
        self, client: MlflowClient, tracking: Tracking, tracked: TrackedRun, record: RunRecord
    ) -> None:
        assert tracking.log_run(record) == tracked
        experiment = client.get_experiment_by_name("patients")
        assert experiment is not None
        assert len(client.search_runs([experiment.experiment_id])) == 1

    def test_replaces_a_run_left_half_written(
        self, client: MlflowClient, tracking: Tracking, record: RunRecord
    ) -> None:
        experiment = client.create_experiment("half")
        half = client.create_run(experiment, tags={"millrace.run_id": record.run_id})
        done = tracking.log_run(replace(record, experiment="half", model=None, steps=[]))
        assert [run.info.run_id for run in client.search_runs([experiment])] == [done.run_id]
        assert half.info.run_id != done.run_id
        assert done.model_uri is None

    def test_writes_into_a_deleted_experiment_again(
        self, client: MlflowClient, tracking: Tracking, record: RunRecord
    ) -> None:
        experiment = client.create_experiment("gone")
        client.delete_experiment(experiment)
        done = tracking.log_run(replace(record, experiment="gone", model=None, steps=[]))
        assert client.get_run(done.run_id).info.experiment_id == experiment

    def test_says_what_mlflow_refuses(self, tracking: Tracking, record: RunRecord) -> None:
        with pytest.raises(TrackingRefused):
            tracking.log_run(replace(record, run_id="other", experiment="refused", params={"a\0": 1}, model=None))


class TestRegistry:
    def test_alias_follows_our_version(self, client: MlflowClient, tracking: Tracking, tracked: TrackedRun) -> None:
        for version in (7, 8, 8):
            tracking.register("patients", version, tracked)
        assert len(client.search_model_versions("name = 'patients'")) == 2
        tracking.mirror_alias("patients", "champion", 8)
        assert client.get_model_version_by_alias("patients", "champion").tags["millrace.version"] == "8"
        tracking.mirror_alias("patients", "champion", 7)
        assert client.get_model_version_by_alias("patients", "champion").tags["millrace.version"] == "7"

    def test_alias_can_be_taken_away(self, client: MlflowClient, tracking: Tracking, tracked: TrackedRun) -> None:
        tracking.register("fleeting", 1, tracked)
        tracking.mirror_alias("fleeting", "challenger", 1)
        tracking.mirror_alias("fleeting", "challenger", None)
        assert client.get_registered_model("fleeting").aliases == {}

    def test_refuses_a_version_never_registered(self, tracking: Tracking) -> None:
        with pytest.raises(NotTracked):
            tracking.mirror_alias("patients", "champion", 99)

    def test_refuses_a_run_without_a_model(self, tracking: Tracking) -> None:
        with pytest.raises(TrackingRefused):
            tracking.register("patients", 9, TrackedRun("run", None))


def test_a_server_that_is_away_is_told_within_seconds(record: RunRecord) -> None:
    started = time.monotonic()
    with pytest.raises(TrackingAway):
        Tracking("http://127.0.0.1:9").log_run(replace(record, model=None))
    assert time.monotonic() - started < 15
