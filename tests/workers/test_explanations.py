"""One recorded prediction explained through the doors: asked for once, worked out by a worker, kept."""

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import orjson
import polars as pl
import pytest
from prometheus_client import CollectorRegistry
from uuid_utils import uuid7

from adapters.model_files import save_python_model
from adapters.runtime import Runtime
from domain.deployments import service as deployments
from domain.deployments.specs import EndpointSettings
from domain.experiments.models import Run
from domain.training.specs import TrainSpec
from ml.models import Predictions
from ml.packaging import package, package_digest
from ml.trainers.train import train
from serving.metrics import ServingMetrics
from serving.recorder import Recorder
from serving.segments import Recorded
from tests.api.answers import refused
from tests.conftest import Drain
from tests.domain.deployments.versions import ANN, add_versions
from tests.serving.plants import ROW, classifier_package, expected, regression_package
from workers.packages import open_model, store_package
from workers.toolbox import Toolbox

REFERENCE = pl.DataFrame({
    "hour": [0, 4, 8],
    "temp": [None, 1.0, 2.0],
    "holiday": [True, False, False],
    "season": ["summer", "winter", "winter"],
    "(prediction)": [0.0, 0.0, 0.0],
})  # fmt: skip


def live(runtime: Runtime, digest: str, reference: pl.DataFrame, **settings: Any) -> None:
    """Version 1 of the model `m` is the package, and endpoint `e` has answered by it."""
    out = BytesIO()
    reference.write_parquet(out)
    md5 = runtime.contents.add(out.getvalue()).md5
    with runtime.transaction(ANN) as session:
        (version,) = add_versions(session, 1)
        version.package_digest = digest
        run = session.get_one(Run, version.run_id)
        run.package = json.loads(runtime.models.get(f"packages/{digest}/package.json"))
        run.reference_md5 = md5
        deployments.put_endpoint(session, name="e", model="m", settings=EndpointSettings.model_validate(settings))


def answered(tools: Toolbox, digest: str, row: dict[str, Any]) -> str:
    """The id of a prediction that serving has recorded."""
    model = open_model(tools, digest)
    answers: Predictions = model.predict([row])
    recorder = Recorder(tools.runtime.models, ServingMetrics(CollectorRegistry()))
    prediction_id = str(uuid7())
    recorder.record(
        Recorded(
            endpoint="e",
            version=1,
            package=digest,
            mode="live",
            signature=model.signature,
            at=time.time_ns() // 1000,
            latency_us=10,
            ids=[prediction_id],
            inputs=orjson.dumps([row]),
            has_extra=False,
            redact=(),
            predictions=answers.values,
            probabilities=answers.probabilities,
        )
    )
    recorder.flush()
    return prediction_id


def explained(client: httpx.Client, drain: Drain, prediction_id: str) -> dict[str, Any]:
    path = f"predictions/{prediction_id}/explanation"
    assert client.post(path).status_code == 202
    waiting = client.get(path)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    drain()
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestExplain:
    def test_a_number_by_its_features(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, tools: Toolbox
    ) -> None:
        digest = regression_package(runtime.models, 1)
        live(runtime, digest, REFERENCE)
        found = explained(client, drain, answered(tools, digest, ROW))
        assert (found["method"], found["explains"], found["version"]) == ("shapley_exact", "count", 1)
        # The model adds up its inputs: winter is 100 and summer 200, a missing temperature counts 0.
        shares = {one["feature"]: one["contribution"] for one in found["contributions"]}
        assert shares == pytest.approx({"hour": 5 - 4, "temp": 0.5 - 1, "holiday": -1 / 3, "season": -100 / 3})
        assert found["prediction"] == pytest.approx(expected(ROW, 1))
        assert sum(shares.values()) == pytest.approx(found["prediction"] - found["base_value"])
        assert [one["feature"] for one in found["contributions"]] == ["season", "hour", "temp", "holiday"]
        assert {one["feature"]: one["value"] for one in found["contributions"]} == ROW

    def test_a_class_by_its_probability(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, tools: Toolbox
    ) -> None:
        digest = classifier_package(runtime.models, ["no", "yes"])
        live(runtime, digest, pl.DataFrame({"x": [-1.0, 0.0, 1.0], "(prediction)": ["no", "no", "yes"]}))
        found = explained(client, drain, answered(tools, digest, {"x": 2.0}))
        (share,) = found["contributions"]
        assert (found["explains"], found["prediction"]) == ("yes", pytest.approx(0.8808, abs=1e-4))
        assert found["base_value"] == pytest.approx(0.5)
        assert share["contribution"] == pytest.approx(found["prediction"] - 0.5)
        assert share["standard_error"] > 0

    def test_a_text_by_its_words(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, tools: Toolbox, tmp_path: Path
    ) -> None:
        words = ["good food", "nice and good", "good service", "bad food", "bad and slow", "a bad place"]
        rows = pl.DataFrame({"text": words * 10, "mood": (["happy"] * 3 + ["sad"] * 3) * 10})
        spec = TrainSpec(dataset="toy", trainer="tfidf_logistic", task="text_classification", target="mood")
        trained = train(rows, spec, lambda step, metrics: None, lambda fraction, message: None)
        packed = package(trained, tmp_path, run_id="run", save_python=save_python_model)
        digest = package_digest(packed)
        store_package(tools, packed, tmp_path, digest)
        live(runtime, digest, pl.DataFrame({"text": words, "(prediction)": words}))
        found = explained(client, drain, answered(tools, digest, {"text": "Good food, slow service"}))
        assert (found["method"], found["explains"], found["background_rows"]) == ("ablation", "happy", 0)
        shares = {one["feature"]: one["contribution"] for one in found["contributions"]}
        assert set(shares) == {"good", "food", "slow", "service"}
        assert max(shares, key=lambda word: shares[word]) == "good"
        assert shares["slow"] < 0

    def test_asked_twice_is_worked_out_once(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, tools: Toolbox
    ) -> None:
        digest = regression_package(runtime.models, 1)
        live(runtime, digest, REFERENCE)
        prediction_id = answered(tools, digest, ROW)
        explained(client, drain, prediction_id)
        again = client.post(f"predictions/{prediction_id}/explanation").json()
        assert (again["state"], drain()) == ("succeeded", [])


class TestRefusals:
    def test_one_that_nobody_asked_for(self, client: httpx.Client) -> None:
        problem = refused(client.get(f"predictions/{uuid7()}/explanation"), 404, "not_explained")
        assert "POST" in problem["fix"]

    def test_one_that_was_never_recorded_and_may_be_asked_for_again(self, client: httpx.Client, drain: Drain) -> None:
        path = f"predictions/{uuid7()}/explanation"
        first = client.post(path).json()
        drain()
        refused(client.get(path), 404, "unknown_prediction")
        assert client.post(path).json()["id"] != first["id"]

    def test_one_whose_inputs_are_not_kept(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, tools: Toolbox
    ) -> None:
        digest = regression_package(runtime.models, 1)
        live(runtime, digest, REFERENCE, redact=["season"])
        path = f"predictions/{answered(tools, digest, ROW)}/explanation"
        assert client.post(path).status_code == 202
        drain()
        problem = refused(client.get(path), 409, "explanation_failed")
        assert problem["detail"] == "The values of season are not kept at 'e'."
