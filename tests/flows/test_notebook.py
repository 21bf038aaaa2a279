"""A notebook with MLflow's own client, through our door: what it logs becomes a version that is checked."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import mlflow
import mlflow.sklearn
import pytest
from fastapi import FastAPI
from mlflow.exceptions import MlflowException
from sklearn.linear_model import Ridge

from adapters.runtime import Runtime
from adapters.settings import Settings
from adapters.tracking import Tracking
from api.main import create_app
from domain.access import service as access
from domain.access.actor import Role
from tests.conftest import Drain
from tests.servers import mlflow as mlflow_server
from tests.servers import serving
from tests.training_data import PATIENTS, TUMOURS, make_dataset
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FEATURES = ["bmi", "bp", "s5"]


@pytest.fixture(scope="module")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow"), prefix="/mlflow") as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database_url: str, mlflow_url: str) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        mlflow_url=mlflow_url,
        heartbeat_seconds=0.2,
        lease_seconds=10.0,
        _env_file=None,
    )


@pytest.fixture
def tools(tools: Toolbox, mlflow_url: str) -> Toolbox:
    return replace(tools, tracking=Tracking(mlflow_url))


@pytest.fixture
def notebook(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the API, for a client of MLflow that has the variables of `millrace env`."""
    with runtime.transaction() as session:
        token = access.create_token(session, name="ada", owner="ada", role=Role.DEVELOPER)[1]
    app = create_app(runtime)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.mlflow.aclose()

    app.router.lifespan_context = lifespan
    with serving(app, lifespan="on") as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{url}/mlflow")
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"{url}/mlflow")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        yield url


def train_here(experiment: str) -> tuple[str, str]:
    """As in a notebook: the ids of the run that autologging made, and of a model logged beside it."""
    mlflow.set_experiment(experiment)
    mlflow.sklearn.autolog()
    try:
        table = PATIENTS.select(FEATURES).to_pandas()
        with mlflow.start_run() as run:
            ridge = Ridge(alpha=0.1).fit(table, PATIENTS["progress"].to_numpy())
            plain = mlflow.sklearn.log_model(
                ridge, name="plain", serialization_format="skops", input_example=table.head(3), pip_requirements=[]
            )
    finally:
        mlflow.sklearn.autolog(disable=True)
    return run.info.run_id, plain.model_uri


def bring(client: httpx.Client, drain: Drain, uri: str, **more: Any) -> dict[str, Any]:
    answer = client.post("models/m/versions", json={"mlflow": uri, "dataset": "patients", **more})
    assert answer.status_code == 202, answer.text
    drain()
    ended: dict[str, Any] = client.get(f"jobs/{answer.json()['id']}").json()
    assert ended["state"] == "succeeded", ended["error"]
    result: dict[str, Any] = ended["result"]
    return result


def test_what_autologging_made_becomes_a_version_that_is_checked(
    client: httpx.Client, notebook: str, drain: Drain
) -> None:
    make_dataset(client, drain, "patients", PATIENTS)
    client.post("models", json={"name": "m", "task": "regression", "target": "progress"})
    suite = {"checks": [{"check": "metric", "metric": "mae", "max": 60}]}
    assert client.put("models/m/suites/all", json=suite).status_code == 200
    client.put("models/m/policy", json={"gates": [{"gate": "behaviour", "suite": "all"}]})
    run_id, model_uri = train_here("notebook")

    theirs = mlflow.MlflowClient().get_run(run_id)
    assert theirs.data.params["alpha"] == "0.1"
    assert theirs.data.metrics["training_mean_absolute_error"] > 0

    for number, (uri, more) in enumerate(
        [(f"runs:/{run_id}/model", {"trust": True}), (model_uri, {"unseen": True})], start=1
    ):
        ours = bring(client, drain, uri, **more)["run_id"]
        version = client.get(f"models/m/versions/{number}").json()
        assert (version["state"], version["run_id"]) == ("checked", ours)
        report = client.get(f"models/m/versions/{number}/checks").json()
        assert [one["verdict"] for one in report["suites"][0]["results"]] == ["pass"]
        assert client.get(f"runs/{ours}").json()["params"]["alpha"] == "0.1"


def test_a_viewer_reads_and_does_not_log(runtime: Runtime, notebook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow.set_experiment("looked-at")
    with mlflow.start_run() as run:
        mlflow.log_text("it went well", "notes/how.txt")
    run_id = run.info.run_id
    with runtime.transaction() as session:
        token = access.create_token(session, name="eve", owner="eve", role=Role.VIEWER)[1]
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    viewer = mlflow.MlflowClient()
    assert [one.info.run_id for one in viewer.search_runs([run.info.experiment_id])] == [run_id]
    assert "notes" in [file.path for file in viewer.list_artifacts(run_id)]
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/how.txt") == "it went well"
    with pytest.raises(MlflowException, match="missing_scope"):
        viewer.log_metric(run_id, "mine", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "mlr_wrong")
    with pytest.raises(MlflowException, match="unauthenticated"):
        viewer.get_run(run_id)


def test_curves_are_there_while_a_training_runs(client: httpx.Client, tools: Toolbox, drain: Drain) -> None:
    make_dataset(client, drain, "tumours", TUMOURS)
    client.post("experiments", json={"name": "study"})
    spec = {"dataset": "tumours", "trainer": "gradient_boosting", "task": "classification", "target": "label"}
    job = client.post("experiments/study/runs", json=spec | {"params": {"n_estimators": 1_500, "max_depth": 3}}).json()
    work = threading.Thread(
        target=run_job,
        args=(job["id"],),
        kwargs={"tools": tools, "handlers": HANDLERS, "worker": "w", "stop_work": lambda: None},
    )
    work.start()
    seen: list[int] = []
    while work.is_alive():
        found = client.get(f"{job['subject']}/curves", params={"keys": "train_loss"}).json()
        if found["state"] == "running" and found["curves"][0]["steps"]:
            seen.append(len(found["curves"][0]["steps"]))
        time.sleep(0.1)
    work.join()
    assert seen
    assert seen[0] < 25
    run = client.get(job["subject"]).json()
    assert run["state"] == "finished", run["reason"]
    whole = client.get(f"{job['subject']}/curves", params={"keys": "train_loss,validation_loss"}).json()["curves"]
    assert [curve["steps"] for curve in whole] == [list(range(60, 1_501, 60))] * 2
    assert whole[0]["values"][0] > whole[0]["values"][-1] == pytest.approx(run["metrics"]["train_loss"])
    names = [metric["key"] for metric in client.get(f"{job['subject']}/curves").json()["metrics"]]
    assert {"train_loss", "validation_loss", "test_accuracy"} <= set(names)

    [model] = client.get(f"{job['subject']}/artifacts").json()
    files = {one["path"]: one for one in client.get(f"{job['subject']}/artifacts?path={model['path']}").json()}
    listed = files[f"{model['path']}/MLmodel"]
    content = client.get(f"{job['subject']}/artifacts/content/{listed['path']}")
    assert (len(content.content), content.headers["content-type"]) == (listed["bytes"], "text/plain; charset=utf-8")
