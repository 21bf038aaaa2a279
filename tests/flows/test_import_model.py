"""Models from a real MLflow server become versions that are checked as any other; code is not run unless trusted."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import mlflow
import mlflow.onnx
import mlflow.sklearn
import numpy as np
import pytest
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from adapters.tracking import Tracking
from domain.access import service as access
from domain.access.actor import Role
from tests.conftest import Drain
from tests.servers import mlflow as mlflow_server
from tests.training_data import PATIENTS, upload
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

# What MLflow's own code warns of when it is imported, and while it logs.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.model import PythonModel

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FEATURES = ["bmi", "bp", "s5"]
SUITE = {
    "checks": [
        {"check": "metric", "metric": "mae", "max": 60},
        {"check": "minimum_functionality", "rows": [
            {"instance": {"bmi": 0.06, "bp": 0.02, "s5": 0.02}, "expect": 200, "within": 90},
        ]},
        {"check": "serving_parity"},
    ]
}  # fmt: skip


class Fragile(PythonModel):
    """Ends its process at one patient's row."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        import os  # noqa: PLC0415 - it is pickled with its code

        if (abs(model_input["bmi"] - BAD_BMI) < 1e-12).any():
            os._exit(9)
        return model_input["bmi"].to_numpy() * 900 + 150


BAD_ROW = int(PATIENTS["bmi"].is_unique().arg_max() or 0)
BAD_BMI = float(PATIENTS["bmi"][BAD_ROW])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # By the environment, which is put back: `set_tracking_uri` would outlive this module and its server.
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", url)
        environment.setenv("MLFLOW_REGISTRY_URI", url)
        yield url


@pytest.fixture(scope="module")
def logged(server: str) -> dict[str, str]:
    """URIs of models that others have logged."""
    mlflow.set_experiment("theirs")
    table = PATIENTS.select(FEATURES).to_pandas()
    linear = LinearRegression().fit(table, PATIENTS["progress"].to_numpy())
    signature = infer_signature(table, linear.predict(table))
    uris = {}
    with mlflow.start_run():
        mlflow.log_param("alpha", 3)
        mlflow.log_metric("their_score", 0.5)
        for kind in ("cloudpickle", "skops"):
            info = mlflow.sklearn.log_model(
                linear, name=kind, signature=signature, serialization_format=kind, pip_requirements=[]
            )
            uris[kind] = info.model_uri
        proto = to_onnx(linear, table.to_numpy().astype(np.float32)[:1])
        uris["onnx"] = mlflow.onnx.log_model(proto, name="onnx", signature=signature, pip_requirements=[]).model_uri
        uris["pyfunc"] = mlflow.pyfunc.log_model(
            name="pyfunc", python_model=Fragile(), signature=signature, pip_requirements=[]
        ).model_uri
    return uris


@pytest.fixture
def real(client: httpx.Client, tools: Toolbox, drain: Drain, server: str) -> Toolbox:
    """Tools that speak to the server; the model `m` of `progress` with a suite, and its data."""
    client.post("datasets", json={"name": "patients"})
    upload(client, "patients", PATIENTS)
    drain()
    client.post("models", json={"name": "m", "task": "regression", "target": "progress"})
    assert client.put("models/m/suites/all", json=SUITE).status_code == 200
    client.put("models/m/policy", json={"gates": [{"gate": "behaviour", "suite": "all"}]})
    return replace(tools, tracking=Tracking(server))


def bring(client: httpx.Client, tools: Toolbox, uri: str, **more: Any) -> dict[str, Any]:
    """The import's job as it ended, after all that followed from it."""
    answer = client.post("models/m/versions", json={"mlflow": uri, "dataset": "patients", **more})
    assert answer.status_code == 202, answer.text
    while queued := client.get("jobs", params={"state": "queued"}).json()["items"]:
        for job in reversed(queued):
            run_job(job["id"], tools=tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)
    ended: dict[str, Any] = client.get(f"jobs/{answer.json()['id']}").json()
    return ended


def results(client: httpx.Client, number: int) -> dict[str, dict[str, Any]]:
    report = client.get(f"models/m/versions/{number}/checks").json()
    return {one["gate"]: one for one in report["suites"][0]["results"]}


def test_onnx_and_skops_come_in_and_are_checked(client: httpx.Client, real: Toolbox, logged: dict[str, str]) -> None:
    for number, kind in enumerate(("onnx", "skops"), start=1):
        job = bring(client, real, logged[kind], unseen=True)
        assert job["state"] == "succeeded", job["error"]
        version = client.get(f"models/m/versions/{number}").json()
        assert version["flavor"] == {"onnx": "onnx", "skops": "python"}[kind]
        run = client.get(f"runs/{version['run_id']}").json()
        assert (run["trainer"], run["params"]["alpha"], run["metrics"]["their_score"]) == ("mlflow", "3", 0.5)
        found = results(client, number)
        assert {name: one["verdict"] for name, one in found.items() if name != "serving_parity"} == {
            "metric": "pass", "minimum_functionality": "pass",
        }  # fmt: skip
        assert found["metric"]["value"] == pytest.approx(run["metrics"]["test_mae"])
    assert found["serving_parity"]["verdict"] == "pass"


def test_a_pickle_is_loaded_only_when_an_admin_trusts_it(
    client: httpx.Client, real: Toolbox, logged: dict[str, str]
) -> None:
    refused = bring(client, real, logged["cloudpickle"])
    assert (refused["state"], refused["error"]["code"]) == ("failed", "untrusted_code")
    with real.runtime.transaction() as session:
        token = access.create_token(session, name="dev", owner="dev", role=Role.DEVELOPER)[1]
    body = {"mlflow": logged["cloudpickle"], "dataset": "patients", "trust": True}
    answer = client.post("models/m/versions", json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "trust_needs_admin")
    job = bring(client, real, logged["cloudpickle"], trust=True, trained_on="patients")
    assert job["state"] == "succeeded", job["error"]
    assert results(client, 1)["metric"]["verdict"] == "pass"
    events = [event["type"] for event in client.get("events", params={"limit": 200}).json()["items"]]
    assert events.count("ForeignCodeTrusted") == 1


def test_a_row_that_kills_the_model_fails_what_asks_it_and_nothing_else(
    client: httpx.Client, real: Toolbox, logged: dict[str, str]
) -> None:
    job = bring(client, real, logged["pyfunc"], trust=True)
    assert job["state"] == "succeeded", job["error"]
    found = results(client, 1)
    assert found["metric"]["verdict"] == "fail"
    assert f"on row {BAD_ROW}" in found["metric"]["message"]
    assert "exit status 9" in found["metric"]["message"]
    assert found["metric"]["examples"][0]["instance"]["bmi"] == BAD_BMI
    assert found["minimum_functionality"]["verdict"] == "pass"
    assert (found["serving_parity"]["verdict"], "died" in found["serving_parity"]["message"]) == ("fail", True)


def test_what_does_not_fit_is_told(client: httpx.Client, real: Toolbox, logged: dict[str, str], drain: Drain) -> None:
    for frame, name in ((PATIENTS.drop("bp"), "short"), (PATIENTS.drop("progress"), "blind")):
        client.post("datasets", json={"name": name})
        upload(client, name, frame)
    drain()
    job = bring(client, real, logged["onnx"], dataset="short")
    assert (job["error"]["code"], job["error"]["where"]) == ("unfit_columns", "dataset.bp")
    body = {"mlflow": logged["onnx"], "dataset": "blind"}
    assert client.post("models/m/versions", json=body).json()["code"] == "no_truth"
    odd = client.post("models/m/versions", json={"mlflow": "file:///etc", "dataset": "short"}).json()
    assert odd["where"] == "body.mlflow"
    gone = bring(client, real, "models:/m-0123456789abcdef0123456789abcdef")
    assert (gone["state"], gone["error"]["code"]) == ("failed", "tracking_refused")
