"""Specs that are refused at once: the field is named, and nothing is started."""

from typing import Any

import httpx
import polars as pl
import pytest
from sqlalchemy import select

from adapters.runtime import Runtime
from domain.experiments.models import Run
from domain.jobs.models import Job
from tests.conftest import Drain
from tests.training_data import TUMOURS, make_dataset, upload

SPEC: dict[str, Any] = {
    "dataset": "tumours",
    "trainer": "gradient_boosting",
    "task": "classification",
    "target": "label",
}


@pytest.fixture(autouse=True)
def tumours(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "tumours", TUMOURS)
    assert client.post("experiments", json={"name": "study"}).status_code == 201


def start(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post("experiments/study/runs", json=SPEC | changes)


class TestARefusedSpec:
    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"dataset": "tumors"}, ("unknown_training_data", "dataset", "Did you mean 'tumours'?")),
            ({"dataset": "tumours@9"}, ("unknown_training_data", "dataset", "It has versions 1 to 1.")),
            ({"target": "lable"}, ("bad_target", "target", "Did you mean 'label'?")),
            ({"task": "regression"}, ("bad_target", "target", "Classify it instead.")),
            ({"features": ["mean_aera"]}, ("bad_features", "features.mean_aera", "Did you mean 'mean_area'")),
            ({"trainer": "gradient_boostin"}, ("unknown_trainer", "trainer", "Did you mean 'gradient_boosting'")),
            ({"trainer": "tfidf_logistic"}, ("unknown_trainer", "trainer", "Use one of linear")),
            ({"params": {"n_estimatros": 3}}, ("bad_parameter", "params.n_estimatros", "Did you mean 'n_estimators'?")),
            ({"params": {"n_estimators": 0}}, ("bad_parameter", "params.n_estimators", None)),
            ({"split": {"method": "time", "column": "day"}}, ("bad_split", "split.column", "There are mean_radius")),
            ({"split": {"method": "time"}}, ("invalid_request", "body.split", None)),
            ({"split": {"test": 0.9}}, ("invalid_request", "body.split.test", None)),
            ({"trainr": "linear"}, ("invalid_request", "body.trainr", None)),
            ({"task": "ranking"}, ("invalid_request", "body.task", None)),
            ({"dataset": "../tumours"}, ("invalid_request", "body.dataset", None)),
            ({"code_commit": "f" * 65}, ("invalid_request", "body.code_commit", None)),
            ({"target": "x" * 201}, ("invalid_request", "body.target", None)),
            ({"seed": -1}, ("invalid_request", "body.seed", None)),
        ],
    )  # fmt: skip
    def test_names_the_field_and_starts_nothing(
        self, client: httpx.Client, runtime: Runtime, changes: dict[str, Any], told: tuple[str, str, str | None]
    ) -> None:
        code, where, fix = told
        answer = start(client, **changes)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (problem["status"], problem["code"], problem["where"]) == (422, code, where)
        assert problem.get("fix", "").startswith(fix or "")
        with runtime.reading() as session:
            assert session.scalars(select(Run)).all() == []
            assert session.scalars(select(Job).where(Job.kind == "TrainModel")).all() == []

    def test_data_whose_checks_have_not_run(self, client: httpx.Client) -> None:
        upload(client, "tumours", TUMOURS.head(200))
        problem = start(client, dataset="tumours@2").json()
        assert (problem["status"], problem["code"]) == (422, "dataset_version_not_checked")

    def test_data_that_has_nothing_validated(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "empty"})
        problem = start(client, dataset="empty").json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "unknown_training_data", "dataset")

    def test_a_folder(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "pictures"})
        files = [("files", ("a/1.txt", b"one")), ("files", ("a/2.txt", b"two"))]
        assert client.post("datasets/pictures/versions", files=files).status_code == 201
        drain()
        problem = start(client, dataset="pictures@1").json()
        assert (problem["status"], problem["code"]) == (422, "not_a_table")

    def test_a_table_that_cannot_be_read_even_by_force(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "broken"})
        files = [("files", ("broken.parquet", b"PAR1 this is none"))]
        assert client.post("datasets/broken/versions", files=files).status_code == 201
        drain()
        problem = start(client, dataset="broken@1", force=True).json()
        assert (problem["status"], problem["code"]) == (422, "not_a_table")

    def test_a_target_with_one_class(self, client: httpx.Client, drain: Drain) -> None:
        make_dataset(client, drain, "same", TUMOURS.with_columns(label=pl.lit("benign")))
        problem = start(client, dataset="same").json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "bad_target", "target")

    def test_a_model_that_predicts_something_else(self, client: httpx.Client) -> None:
        made = {"name": "tumour", "task": "regression", "target": "size"}
        assert client.post("models", json=made).status_code == 201
        problem = start(client, model="tumour").json()
        assert (problem["status"], problem["code"], problem["where"]) == (409, "model_mismatch", "model")

    def test_an_unknown_experiment(self, client: httpx.Client) -> None:
        problem = client.post("experiments/studdy/runs", json=SPEC).json()
        assert (problem["status"], problem["code"]) == (404, "unknown_experiment")
        assert problem["fix"] == "Did you mean 'study'?"

    def test_broken_json_with_line_and_column(self, client: httpx.Client) -> None:
        json_type = {"content-type": "application/json"}
        answer = client.post(
            "experiments/study/runs", content=b'{"dataset": "tumours",\n "seed": NaN}', headers=json_type
        )
        problem = answer.json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "bad_document", "line 2, column 10")
