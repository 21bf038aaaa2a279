"""A training against a real MLflow server: its users find the run, the data, the model and the champion."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import mlflow.sklearn
import pytest
from mlflow.tracking import MlflowClient

from adapters.tracking import Tracking
from domain.experiments.models import Run
from domain.registry import queries, service
from tests.conftest import SteppingClock
from tests.finished_runs import finished_run, make_data
from tests.servers import mlflow as mlflow_server
from tests.training_data import PATIENTS, upload
from workers.handlers.registry import order_look_at_mirror
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


def work(client: httpx.Client, tools: Toolbox, *, kinds: set[str] | None = None) -> None:
    """Do all queued jobs, or those of some kinds, each of which must succeed."""
    while queued := [
        job
        for job in client.get("jobs", params={"state": "queued"}).json()["items"]
        if kinds is None or job["kind"] in kinds
    ]:
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


def test_an_alias_moved_in_mlflow_is_put_back_within_one_look(
    tools: Toolbox, client: httpx.Client, clock: SteppingClock, tmp_path: Path
) -> None:
    with mlflow_server(tmp_path) as url:
        real, person = replace(tools, tracking=Tracking(url)), MlflowClient(url)
        with tools.runtime.transaction() as session:
            model = service.create_model(session, name="m", task="regression", target="y")
            data = make_data(session)
            versions = [service.add_version(session, model=model, run_id=finished_run(session, data)) for _ in range(2)]
        uris = iter(_logged(person, 2))
        with tools.runtime.transaction() as session:
            for version in versions:
                run = session.get_one(Run, version.run_id)
                run.mlflow_run_id, run.mlflow_model_uri = next(uris)
        with tools.runtime.transaction() as session:
            model = queries.get_model(session, "m")
            service.move_alias(session, model=model, alias="champion", version=versions[0], expected=None)
        work(client, real, kinds={"MirrorVersion", "MirrorAlias"})
        ours = person.get_model_version_by_alias("m", "champion")
        [other] = [one for one in person.search_model_versions("name = 'm'") if one.version != ours.version]
        person.set_registered_model_alias("m", "champion", str(other.version))
        source = str(other.source)
        theirs = person.create_model_version("m", source, model_id=source.removeprefix("models:/"))

        clock.advance(61)
        order_look_at_mirror(real)
        work(client, real, kinds={"LookAtMirror", "MirrorAlias"})
        assert person.get_model_version_by_alias("m", "champion").version == ours.version
        shown = client.get("models/m").json()["changed_outside"]
        assert {(one["kind"], one["found"], one["number"]) for one in shown} == {
            ("alias", str(other.version), 2),
            ("version_unknown", str(theirs.version), None),
        }


def _logged(person: MlflowClient, count: int) -> list[tuple[str, str]]:
    """Runs with a model each, as MLflow names them."""
    found = []
    for _ in range(count):
        run = person.create_run("0").info.run_id
        logged = person.create_logged_model("0", name="model", source_run_id=run)
        person.finalize_logged_model(logged.model_id, "READY")
        found.append((run, f"models:/{logged.model_id}"))
    return found
