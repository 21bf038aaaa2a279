"""The whole walk with the Python SDK against a running server: data, checks, run, champion, answer, lineage."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

import millrace
from millrace.rest.api.jobs import list_jobs
from millrace.rest.api.models import get_model
from millrace.rest.models import ModelRead, PageReadJobRead
from tests.flows.plane import world

T = TypeVar("T")
pytestmark = pytest.mark.usefixtures("worker")


def once_recorded(ask: Callable[[], T]) -> T:
    """Answers are written down within a second, and only then known."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return ask()
        except millrace.Problem as problem:
            if problem.status != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_from_a_file_to_the_lineage_of_an_answer(client: millrace.Client, rides: Path) -> None:
    dataset = client.datasets("rides")
    dataset.check_with([{"check": "not_null", "columns": ["temp", "rides"]}])
    version = dataset.push(rides / "rides.csv", message="the first").wait()
    assert (version.number, version.state, version.rows, version.message) == (1, "validated", 400, "the first")
    assert ("not_null(temp, rides)", "pass") in [(one.name, one.verdict) for one in version.checks().results]
    assert [column.name for column in version.profile().columns] == ["temp", "hour", "rides"]

    run = client.experiments("study").train(dataset=version, trainer="linear", task="regression", target="rides")
    assert run.wait().state == "finished"
    assert run.metrics["test_mae"] < 5
    assert "rides@1: 400 rows" in run.logs()
    assert [one.id for one in client.experiments("study").runs()] == [run.id]

    model = client.models("rides")
    registered = model.register(run).wait()
    assert (registered.number, registered.state, model.champion) == (1, "checked", None)
    model.policy(gates=[{"gate": "metric", "metric": "mae", "max": 20}])
    promotion = model.promote().wait()
    assert (promotion.state, promotion.decision.verdict) == ("applied", "pass")
    assert model.champion is not None
    assert model.champion.aliases == ["champion"]

    endpoint = client.endpoints("rides").deploy("rides").wait()
    assert endpoint.live_version == 1
    rows = world(3, seed=9).drop("rides")
    answers = endpoint.predict(rows)
    assert answers.model_version == 1
    assert len(answers) == len(answers.ids) == 3
    assert answers.values == pytest.approx(endpoint.predict(rows.to_dicts()).values)
    assert endpoint.truth(dict.fromkeys(answers.ids, 1.5)).received == 3

    lineage = once_recorded(lambda: client.predictions(answers.ids[0]).lineage())
    assert lineage.links[0].noun == "prediction"
    assert any(link.subject == f"runs/{run.id}" for link in lineage.links)
    assert any(link.subject == "datasets/rides/versions/1" for link in lineage.links)


def test_a_refused_promotion_is_an_answer(client: millrace.Client, rides: Path) -> None:
    version = client.datasets("rides").push(rides).wait()
    run = client.experiments("study").train(
        dataset=version, trainer="linear", task="regression", target="rides", features=["temp"]
    )
    model = client.models("rides")
    model.register(run.wait()).wait()
    model.policy(gates=[{"gate": "metric", "metric": "mae", "max": 0.001}])
    promotion = model.promote(1).wait()
    assert promotion.state == "failed"
    assert "mae" in promotion.reason
    assert model.champion is None


def test_the_generated_functions_answer_in_an_event_loop(client: millrace.Client, rides: Path) -> None:
    client.datasets("rides").push(rides).wait()
    client.models("m").create(task="regression", target="y", description="declared")

    async def both() -> tuple[object, object]:
        api = client.api
        return await asyncio.gather(get_model.asyncio("m", client=api), list_jobs.asyncio(client=api))

    model, jobs = asyncio.run(both())
    assert isinstance(model, ModelRead)
    assert model.description == "declared"
    assert isinstance(jobs, PageReadJobRead)
    assert "RunDataChecks" in [job.kind for job in jobs.items]

    with pytest.raises(millrace.Problem, match="'other'"):
        asyncio.run(get_model.asyncio("other", client=client.api))
