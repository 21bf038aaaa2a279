"""Routes in the model store follow the database, whoever writes them last."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import StoreUnavailable
from adapters.runtime import Runtime
from domain.deployments.queries import active_rollout, get_endpoint
from domain.deployments.service import abort, put_endpoint
from domain.deployments.specs import EndpointSettings, Routes
from domain.jobs.models import Job
from domain.jobs.queries import get_job
from tests.domain.deployments.versions import ANN, add_versions, decide, request
from workers.handlers.deployments import publish
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox


class InterruptedStore(LocalStore):
    """A store where somebody does something in the middle of the first put."""

    meanwhile: Callable[[], None] | None = None

    def put(self, key: str, data: bytes) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        super().put(key, data)


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())


def change(runtime: Runtime, max_rows: int) -> None:
    with runtime.transaction(ANN) as session:
        put_endpoint(session, name="e", model="m", settings=EndpointSettings(max_rows=max_rows))


def routes(runtime: Runtime) -> Routes:
    return Routes.model_validate_json(runtime.models.get("routes/e.json"))


def test_the_slower_of_two_publishers_does_not_leave_older_routes(runtime: Runtime, tools: Toolbox) -> None:
    store = InterruptedStore(Path(runtime.settings.model_store_url.removeprefix("file://")))

    def somebody_is_faster() -> None:
        change(runtime, 7)
        publish(tools, "e")

    store.meanwhile = somebody_is_faster
    revision = publish(replace(tools, runtime=replace(runtime, models=store)), "e")
    assert (revision, routes(runtime).revision, routes(runtime).settings.max_rows) == (2, 2, 7)


def rolling_out(runtime: Runtime) -> tuple[str, str]:
    """The rollout that a promotion began, and its job."""
    with runtime.transaction(ANN) as session:
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    with runtime.reading() as session:
        rollout = active_rollout(session, get_endpoint(session, "e").id)
        assert rollout is not None
        return rollout.id, rollout.job_id


def work(tools: Toolbox, job_id: str) -> Job:
    assert run_job(job_id, tools=tools, handlers=HANDLERS, worker="w", stop_work=lambda: None)
    with tools.runtime.reading() as session:
        return get_job(session, job_id)


def test_a_rollout_that_a_person_aborts_meanwhile_ends_as_aborted(runtime: Runtime, tools: Toolbox) -> None:
    rollout_id, job_id = rolling_out(runtime)
    store = InterruptedStore(Path(runtime.settings.model_store_url.removeprefix("file://")))

    def give_up() -> None:
        with runtime.transaction(ANN) as session:
            abort(session, rollout_id=rollout_id, reason="changed my mind")

    store.meanwhile = give_up
    job = work(replace(tools, runtime=replace(runtime, models=store)), job_id)
    assert job.state in {"succeeded", "cancelled"}
    assert routes(runtime).targets == []
    with runtime.reading() as session:
        assert active_rollout(session, get_endpoint(session, "e").id) is None


def test_a_package_that_is_not_there_aborts_and_says_so(runtime: Runtime, tools: Toolbox) -> None:
    _, job_id = rolling_out(runtime)
    job = work(tools, job_id)
    assert (job.state, (job.result or {})["state"]) == ("succeeded", "aborted")
    assert routes(runtime).targets == []


def test_a_store_that_is_away_is_waited_for(runtime: Runtime, tools: Toolbox) -> None:
    class AwayStore(LocalStore):
        def put(self, key: str, data: bytes) -> None:
            raise StoreUnavailable("The store is away.", where=key)

    _, job_id = rolling_out(runtime)
    away = replace(tools, runtime=replace(runtime, models=AwayStore(runtime.settings.home / "away")))
    assert work(away, job_id).state == "queued"
    with runtime.reading() as session:
        rollout = active_rollout(session, get_endpoint(session, "e").id)
        assert rollout is not None
        assert rollout.state == "preparing"
