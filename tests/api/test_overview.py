"""The overview: each stage as the last event left it."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.events.spec import Event
from domain.jobs import service as jobs
from domain.jobs.queries import get_job
from domain.model_checks.events import ModelVersionChecked
from domain.monitoring.events import RetrainRefused
from domain.pipelines.events import PipelineRunEnded
from tests.domain.deployments.versions import ANN, add_versions, decide, request


def overview(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("overview")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stage(client: httpx.Client, name: str) -> tuple[str, str]:
    found = next(one for one in overview(client)["stages"] if one["stage"] == name)
    return found["state"], found["headline"]


def test_of_nothing_is_idle(client: httpx.Client) -> None:
    found = overview(client)
    assert {one["state"] for one in found["stages"]} == {"idle"}
    assert (found["decisions"], found["endpoints"], found["alerts"]) == ([], [], [])


def test_shows_what_was_decided_and_why(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id, verdict="inconclusive")
    found = overview(client)
    (decision,) = found["decisions"]
    assert (decision["kind"], decision["verdict"], decision["reason"]) == (
        "gate",
        "inconclusive",
        "it came to inconclusive.",
    )
    assert stage(client, "promote") == ("attention", "m version 1: inconclusive")
    assert [(one["name"], one["state"]) for one in found["endpoints"]] == [("e", "empty")]
    assert found["counts"]["model_versions"] == 1


def checked(verdict: str) -> Event:
    subject = "models/m/versions/1"
    return ModelVersionChecked(subject=subject, model="m", number=1, version_id="v", report_id="r", verdict=verdict)


def ended(state: str) -> Event:
    return PipelineRunEnded(subject="pipeline-runs/r", pipeline="p", run_id="r", reason="so", state=state)


@pytest.mark.parametrize(
    ("event", "name", "state"),
    [
        (checked("pass"), "check_model", "ok"),
        (checked("fail"), "check_model", "attention"),
        (ended("succeeded"), "retrain", "ok"),
        (ended("failed"), "retrain", "failed"),
        (
            RetrainRefused(subject="endpoints/e", endpoint="e", pipeline="p", rule="cooldown", reason="wait"),
            "retrain",
            "idle",
        ),
    ],
)
def test_a_stage_stands_as_its_last_event_came_out(
    client: httpx.Client, runtime: Runtime, event: Event, name: str, state: str
) -> None:
    with runtime.transaction() as session:
        session.outbox.append(event)  # told, and not reacted to: its nouns do not exist
    assert stage(client, name)[0] == state


def test_a_running_job_is_what_its_stage_does(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        promotion_id = request(session, 1)
    job_id = client.get(f"promotions/{promotion_id}").json()["job_id"]
    with runtime.transaction() as session:
        assert jobs.claim(session, job_id, worker="w", lease_seconds=60) is not None
        get_job(session, job_id).message = "scoring"
    assert stage(client, "promote") == ("running", "scoring")
    assert job_id in [job["id"] for job in overview(client)["jobs"]]
