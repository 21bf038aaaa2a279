"""The mirror of aliases in MLflow follows the alias, whoever is faster."""

from dataclasses import dataclass, replace

import pytest

from adapters.runtime import Runtime
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry import queries, service
from domain.registry.jobs import MirrorAlias
from tests.conftest import TrackingInMemory
from tests.finished_runs import finished_run, make_data
from workers.handlers.registry import mirror_alias
from workers.run import run_job
from workers.toolbox import Toolbox


@pytest.fixture(autouse=True)
def two_versions(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        data = make_data(session)
        model = service.create_model(session, name="m", task="regression", target="y")
        for _ in range(2):
            service.add_version(session, model=model, run_id=finished_run(session, data))


def point(runtime: Runtime, number: int) -> None:
    with runtime.transaction() as session:
        model = queries.get_model(session, "m")
        now = queries.alias_of(session, model, "champion")
        version = queries.get_version(session, "m", number)
        service.move_alias(
            session, model=model, alias="champion", version=version, expected=now.id if now is not None else None
        )


def mirror(tools: Toolbox) -> dict[str, object]:
    """Run one mirror job to its end; its result."""
    with tools.runtime.transaction() as session:
        job_id = jobs.submit(session, MirrorAlias(model="m", alias="champion"), subject="models/m").id
    run_job(job_id, tools=tools, handlers={MirrorAlias: mirror_alias}, worker="test")
    with tools.runtime.reading() as session:
        job = session.get_one(Job, job_id)
    assert job.state == "succeeded", job.error
    return job.result or {}


@dataclass
class SlowTracking(TrackingInMemory):
    """While the first alias is being written, somebody moves it."""

    runtime: Runtime | None = None

    def mirror_alias(self, model: str, alias: str, version: int | None) -> None:
        if self.runtime is not None:
            runtime, self.runtime = self.runtime, None
            point(runtime, 2)
        super().mirror_alias(model, alias, version)


def test_registers_the_version_before_it_points_at_it(tools: Toolbox, tracking: TrackingInMemory) -> None:
    point(tools.runtime, 1)
    assert mirror(tools) == {"version": 1}
    assert tracking.versions.keys() == {("m", 1)}
    assert tracking.aliases == {("m", "champion"): 1}


def test_follows_an_alias_that_moves_meanwhile(tools: Toolbox, runtime: Runtime) -> None:
    point(runtime, 1)
    slow = SlowTracking(runtime=runtime)
    assert mirror(replace(tools, tracking=slow)) == {"version": 2}
    assert slow.aliases == {("m", "champion"): 2}


def test_an_alias_that_was_never_set_is_taken_away(tools: Toolbox, tracking: TrackingInMemory) -> None:
    tracking.aliases["m", "champion"] = 7
    assert mirror(tools) == {"version": None}
    assert tracking.aliases == {}
