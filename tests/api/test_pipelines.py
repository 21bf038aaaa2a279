"""Pipelines over HTTP."""

from typing import Any

import httpx
import pytest

from tests.api.answers import refused
from tests.conftest import Drain
from tests.domain.pipelines.turns import ROWS, SPEC
from tests.training_data import make_dataset


@pytest.fixture(autouse=True)
def pipeline(client: httpx.Client) -> None:
    assert client.put("pipelines/p", json=SPEC).status_code == 201


class TestPut:
    def test_changes_with_the_etag_it_was_read_with(self, client: httpx.Client) -> None:
        etag = client.get("pipelines/p").headers["etag"]
        changed = client.put("pipelines/p", json=SPEC | {"promote": False}, headers={"If-Match": etag})
        assert (changed.status_code, changed.json()["revision"]) == (200, 2)
        refused(client.put("pipelines/p", json=SPEC, headers={"If-Match": etag}), 412, "stale")

    def test_triggers_alone(self, client: httpx.Client) -> None:
        body = {"triggers": [{"on": "drift", "endpoint": "e"}]}
        found = client.put("pipelines/p/triggers", json=body).json()
        assert (found["spec"]["triggers"], found["spec"]["model"]) == (body["triggers"], "m")

    def test_yaml(self, client: httpx.Client) -> None:
        text = "build: {dataset: d}\ntrain: {dataset: d, trainer: linear, task: regression, target: y}\nmodel: m\n"
        put = client.put("pipelines/q", content=text, headers={"Content-Type": "application/yaml"})
        assert (put.status_code, put.json()["spec"]) == (201, client.get("pipelines/p").json()["spec"])

    @pytest.mark.parametrize(
        ("changes", "where"),
        [
            ({"model": None}, "body.model"),
            ({"triggers": [{"on": "moon"}]}, "body.triggers.0"),
            ({"triggers": [{"on": "schedule", "every_seconds": 3}]}, "body.triggers.0.every_seconds"),
            ({"build": {"dataset": "d", "source": {"kind": "recipe", "concat": []}}}, "body.build.source.concat"),
            ({"train": SPEC["train"] | {"dataset": "other"}}, "body.train"),
            ({"train": SPEC["train"] | {"model": "other"}}, "body.model"),
            ({"steps": []}, "body.steps"),
        ],
    )
    def test_refuses_with_the_place(self, client: httpx.Client, changes: dict[str, Any], where: str) -> None:
        assert refused(client.put("pipelines/q", json=SPEC | changes), 422, "invalid_request")["where"] == where
        refused(client.get("pipelines/q"), 404, "unknown_pipeline")


class TestRuns:
    @pytest.fixture(autouse=True)
    def data(self, client: httpx.Client, drain: Drain) -> None:
        make_dataset(client, drain, "d", ROWS)

    def test_start_show_their_steps_and_are_cancelled(self, client: httpx.Client) -> None:
        answer = client.post("pipelines/p/runs", json={"reason": "to see"})
        run = answer.json()
        assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/pipeline-runs/{run['id']}")
        assert (run["state"], run["trigger"], run["trigger_reason"]) == ("running", "manual", "to see")
        waiting = next(step for step in run["steps"] if step["state"] == "running")
        assert waiting["waits_for"] == f"run:{waiting['output']['run_id']}"
        refused(client.post("pipelines/p/runs"), 409, "pipeline_busy")
        assert client.post(f"pipeline-runs/{run['id']}/cancel").json()["state"] == "cancelled"
        assert client.get(f"runs/{waiting['output']['run_id']}").json()["state"] == "cancelled"
        refused(client.post(f"pipeline-runs/{run['id']}/cancel"), 409, "pipeline_run_ended")
        assert [one["id"] for one in client.get("pipelines/p/runs").json()["items"]] == [run["id"]]

    def test_really_train_check_and_ask_the_gate(self, client: httpx.Client, drain: Drain) -> None:
        run = client.post("pipelines/p/runs").json()
        drain()
        ended = client.get(f"pipeline-runs/{run['id']}").json()
        assert (ended["state"], ended["reason"]) == (
            "succeeded",
            "The champion stays: The policy has no gates, so nothing can be shown: set one.",
        )

    def test_of_names_that_are_not_there(self, client: httpx.Client) -> None:
        problem = refused(client.post("pipelines/pp/runs"), 404, "unknown_pipeline")
        assert problem["fix"] == "Did you mean 'p'?"
        refused(client.get("pipeline-runs/none"), 404, "unknown_pipeline_run")
        refused(client.put("pipelines/pp/triggers", json={"triggers": []}), 404, "unknown_pipeline")
