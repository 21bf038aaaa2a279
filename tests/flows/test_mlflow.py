"""A training against a real MLflow server: its users find the run, the data, the model and the champion."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import mlflow.sklearn
import pytest
from mlflow.tracking import MlflowClient

from adapters.tracking import Tracking
from domain.registry import queries, service
from tests.conftest import SteppingClock
from tests.servers import mlflow as mlflow_server
from tests.training_data import PATIENTS, upload
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

pytestmark = pytest.mark.slow

SPEC: dict[str, Any] = {
    "dataset": "patients",
    "trainer": "linear",
    "task": "regression",
    "target": "progress",
    "model": "progress",
}


def work(client: httpx.Client, tools: Toolbox) -> None:
    """Do all queued jobs, each of which must succeed."""
    while queued := client.get("jobs", params={"state": "queued"}).json()["items"]:
        for job in reversed(queued):
            assert run_job(job["id"], tools=tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)
            ended = client.get(f"jobs/{job['id']}").json()
            assert ended["state"] == "succeeded", ended["error"]


def test_mlflow_users_find_run_data_model_and_champion(
    client: httpx.Client, tools: Toolbox, clock: SteppingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mlflow_server(tmp_path) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", url)
        real = replace(tools, tracking=Tracking(url))
        client.post("datasets", json={"name": "patients"})
        upload(client, "patients", PATIENTS)
        client.post("experiments", json={"name": "study"})
        work(client, real)
        run_id = client.post("experiments/study/runs", json=SPEC).json()["subject"].removeprefix("runs/")
        work(client, real)
        with tools.runtime.transaction() as session:
            model = queries.get_model(session, "progress")
            version = queries.get_version(session, "progress", 1)
            service.move_alias(session, model=model, alias="champion", version=version, expected=None)
        work(client, real)

        run = client.get(f"runs/{run_id}").json()
        tracked = MlflowClient(url).get_run(run["mlflow_run_id"])
        assert tracked.data.metrics["test_mae"] == pytest.approx(run["metrics"]["test_mae"])
        assert tracked.data.tags["millrace.run_id"] == run_id
        assert tracked.inputs is not None
        assert [given.dataset.name for given in tracked.inputs.dataset_inputs] == ["patients@1"]
        rows = PATIENTS.drop("progress").to_pandas()
        champion = mlflow.sklearn.load_model("models:/progress@champion")
        logged = mlflow.sklearn.load_model(run["mlflow_model_uri"])
        assert champion.predict(rows).tolist() == logged.predict(rows).tolist()
