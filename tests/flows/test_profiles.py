"""Walk: a training is sampled, and its profile can be opened, kept and refused through real doors."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import polars as pl
import pytest

from adapters.runtime import Runtime
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.training_data import PATIENTS, make_dataset
from tests.workers.collecting import GRACE, execute, plan_of, request_plan

SPEC: dict[str, Any] = {
    "dataset": "patients",
    "trainer": "gradient_boosting",
    "task": "regression",
    "target": "progress",
    "params": {"n_estimators": 100},
    "split": {"method": "random"},
}


@pytest.fixture
def start(client: httpx.Client, drain: Drain) -> Callable[..., dict[str, Any]]:
    """Starts a training, and gives its job."""
    make_dataset(client, drain, "patients", PATIENTS)
    client.post("experiments", json={"name": "study"})

    def post(**changes: Any) -> dict[str, Any]:
        answer = client.post("experiments/study/runs", json=SPEC | changes)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    return post


@ON_BOTH_DATABASES
class TestAProfile:
    def test_can_be_opened_in_each_form_when_the_run_has_finished(
        self, client: httpx.Client, drain: Drain, start: Callable[..., dict[str, Any]]
    ) -> None:
        run = start()["subject"]
        early = client.get(f"{run}/profile")
        assert (early.status_code, early.json()["code"], early.json()["where"]) == (404, "no_profile", "run_id")
        assert client.get(run).json()["profiled"] is False
        drain()

        page = client.get(f"{run}/profile")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "carry_out" in page.text
        assert "src=" not in page.text.partition("<script>")[0]
        policy = page.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts; default-src 'none';")
        assert "allow-same-origin" not in policy

        speedscope = client.get(f"{run}/profile", params={"format": "speedscope"})
        assert speedscope.headers["content-type"] == "application/json"
        frames = {frame["name"] for frame in json.loads(speedscope.text)["shared"]["frames"]}
        assert {"carry_out", "train"} <= frames

        text = client.get(f"{run}/profile", params={"format": "text"})
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert "carry_out" in text.text
        assert client.get(f"{run}/profile", params={"format": "pdf"}).status_code == 422

        told = client.get(run).json()
        assert told["profiled"] is True
        assert [stage["name"] for stage in told["usage"]["stages"]] == [
            "prepare", "read", "train", "package", "log", "record"
        ]  # fmt: skip
        assert told["usage"] == client.get(f"jobs/{told['job_id']}").json()["usage"]

    def test_outlives_a_collection(
        self,
        client: httpx.Client,
        drain: Drain,
        runtime: Runtime,
        clock: SteppingClock,
        start: Callable[..., dict[str, Any]],
    ) -> None:
        run = start()["subject"]
        drain()
        forgotten = runtime.contents.add(b"nothing names this").md5
        clock.advance(GRACE)
        plan_id = request_plan(runtime)
        drain()
        assert plan_of(runtime, plan_id).contents == 1
        clock.advance(GRACE)
        execute(runtime, plan_id)
        drain()
        with pytest.raises(Exception, match=forgotten):
            runtime.contents.read(forgotten)
        for form in ("html", "speedscope", "text"):
            assert client.get(f"{run}/profile", params={"format": form}).status_code == 200


def test_a_run_that_fails_has_stages_and_no_profile(
    client: httpx.Client, drain: Drain, start: Callable[..., dict[str, Any]]
) -> None:
    rare = PATIENTS.with_columns(sex=pl.Series(["x", *PATIENTS["sex"][1:]]))
    make_dataset(client, drain, "rare", rare)
    job = start(dataset="rare", task="classification", target="sex", split={"method": "stratified"})
    drain()
    run = client.get(job["subject"]).json()
    assert run["state"] == "failed"
    assert [stage["name"] for stage in run["usage"]["stages"]][-1] == "train"
    assert client.get(f"{job['subject']}/profile").json()["code"] == "no_profile"


def test_a_run_that_is_not_there_is_named(client: httpx.Client) -> None:
    answer = client.get("runs/none/profile")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_run")
