"""One job in the hands of a worker: what is recorded when it ends, fails, is cancelled or is lost."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Event as Flag
from typing import Any

import pytest

from adapters.runtime import Runtime
from domain.errors import Invalid, Unavailable
from domain.events.queries import after
from domain.events.service import emit
from domain.jobs import queries, service
from domain.jobs.models import Job
from domain.jobs.service import LeaseLost
from domain.jobs.spec import JobSpec
from tests.conftest import SteppingClock
from tests.flows.errands import Errand, ErrandRun
from workers.run import RunningJob, run_job
from workers.toolbox import Toolbox


class Other(JobSpec):
    """An order that the worker of these tests does not know."""


class BadOrder(Invalid):
    code = "bad_order"


Work = Callable[[RunningJob[Any], Toolbox], dict[str, Any] | None]


def submit(runtime: Runtime, spec: JobSpec | None = None) -> str:
    with runtime.transaction() as session:
        return service.submit(session, spec or Errand(), subject="errands").id


def run(tools: Toolbox, job_id: str, work: Work, stop: Callable[[], None] = lambda: None) -> bool:
    return run_job(job_id, tools=tools, handlers={Errand: work}, worker="w", stop_work=stop)


def job_of(runtime: Runtime, job_id: str) -> Job:
    with runtime.reading() as session:
        return queries.get_job(session, job_id)


def lines(runtime: Runtime, job_id: str) -> list[str]:
    with runtime.reading() as session:
        return [log.line for log in queries.logs_after(session, job_id)]


def effects(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return len([row for row in after(session, 0, limit=1000) if row.type == "ErrandRun"])


def act(job: RunningJob[Errand], _: Toolbox) -> dict[str, Any]:
    with job.transaction() as session:
        emit(session, ErrandRun(subject="errands", job_id=job.id))
    return {"done": True}


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


class TestTheEnd:
    def test_is_recorded_with_its_result(self, runtime: Runtime, tools: Toolbox) -> None:
        job_id = submit(runtime)
        assert run(tools, job_id, act)
        job = job_of(runtime, job_id)
        assert (job.state, job.result, job.progress, effects(runtime)) == ("succeeded", {"done": True}, 1.0, 1)

    def test_finds_nothing_to_claim_a_second_time(self, runtime: Runtime, tools: Toolbox) -> None:
        job_id = submit(runtime)
        assert run(tools, job_id, act)
        assert not run(tools, job_id, act)
        assert effects(runtime) == 1

    @pytest.mark.parametrize(
        ("error", "state", "code"),
        [
            (BadOrder("no such thing", where="errand"), "failed", "bad_order"),
            (Unavailable("the store is away"), "queued", "unavailable"),
            (ZeroDivisionError("by zero"), "queued", "unexpected"),
        ],
    )
    def test_in_an_error_is_tried_again_unless_it_is_final(
        self, runtime: Runtime, tools: Toolbox, error: Exception, state: str, code: str
    ) -> None:
        def fail(_: RunningJob[Errand], __: Toolbox) -> None:
            raise error

        job_id = submit(runtime)
        assert run(tools, job_id, fail)
        job = job_of(runtime, job_id)
        assert (job.state, (job.error or {})["code"]) == (state, code)
        assert str(error) in (job.error or {})["message"]

    def test_of_the_last_attempt_is_final(self, runtime: Runtime, tools: Toolbox, clock: SteppingClock) -> None:
        def fail(_: RunningJob[Errand], __: Toolbox) -> None:
            raise Unavailable("away")

        job_id = submit(runtime)
        for _ in range(Errand.max_attempts):
            assert run(tools, job_id, fail)
            clock.advance(300)
        assert not run(tools, job_id, fail)
        assert job_of(runtime, job_id).state == "failed"

    @pytest.mark.parametrize("payload", ["unknown kind", "unreadable"])
    def test_of_an_order_that_only_a_newer_worker_reads_is_left_to_it(
        self, runtime: Runtime, tools: Toolbox, payload: str
    ) -> None:
        job_id = submit(runtime, Other() if payload == "unknown kind" else None)
        if payload == "unreadable":
            with runtime.transaction() as session:
                queries.get_job(session, job_id).payload = {"errand_of_the_future": 1}
        assert run(tools, job_id, act)
        job = job_of(runtime, job_id)
        assert (job.state, (job.error or {})["code"], effects(runtime)) == ("queued", "unknown_job_kind", 0)


class TestTheHeart:
    def test_writes_progress_and_lines_in_their_order(self, runtime: Runtime, tools: Toolbox) -> None:
        def talk(job: RunningJob[Errand], _: Toolbox) -> None:
            for part in range(3):
                job.log(f"part {part}")
                job.progress(part / 4, f"at {part}")
                until(lambda said=f"at {part}": job_of(runtime, job.id).message == said)  # type: ignore[misc]  # bound
            job.log("part 3")

        job_id = submit(runtime)
        run(tools, job_id, talk)
        assert lines(runtime, job_id)[1:] == [f"part {part}" for part in range(4)]

    def test_of_a_cancelled_job_stops_the_work_and_refuses_its_effect(self, runtime: Runtime, tools: Toolbox) -> None:
        stopped = Flag()
        refused: list[bool] = []

        def outlive(job: RunningJob[Errand], given: Toolbox) -> dict[str, Any]:
            job.log("before the end")
            with runtime.transaction() as session:
                service.cancel(session, job.id)
            assert stopped.wait(10)
            try:
                return act(job, given)
            except LeaseLost:
                refused.append(True)
                raise

        job_id = submit(runtime)
        assert run(tools, job_id, outlive, stopped.set)
        assert (job_of(runtime, job_id).state, refused, effects(runtime)) == ("cancelled", [True], 0)
        assert "before the end" in lines(runtime, job_id)

    def test_of_a_lost_job_stops_the_work_and_refuses_its_result(
        self, runtime: Runtime, tools: Toolbox, clock: SteppingClock
    ) -> None:
        stopped = Flag()

        def sleep(job: RunningJob[Errand], _: Toolbox) -> dict[str, Any]:
            clock.advance(60)
            with runtime.transaction() as session:
                assert service.reap(session) == [job.id]
            assert stopped.wait(10)
            return {"done": "too late"}

        job_id = submit(runtime)
        assert run(tools, job_id, sleep, stopped.set)
        job = job_of(runtime, job_id)
        assert (job.state, job.result) == ("queued", None)

    @pytest.mark.parametrize("cancel", [False, True])
    def test_outlasts_a_database_that_is_away_for_a_while(
        self, runtime: Runtime, tools: Toolbox, clock: SteppingClock, cancel: bool
    ) -> None:
        """A beat that fails, and a cancellation that cannot be written at first, are tried again."""
        away, failures, stopped = Flag(), [0], Flag()

        def moody() -> datetime:
            if away.is_set():
                failures[0] += 1
                raise OSError("the database is away")
            return clock()

        def work(job: RunningJob[Errand], given: Toolbox) -> dict[str, Any]:
            if cancel:
                with runtime.transaction() as session:
                    service.cancel(session, job.id)
            away.set()
            until(lambda: failures[0] >= 2)
            away.clear()
            if cancel:
                assert stopped.wait(10)
            return act(job, given)

        job_id = submit(runtime)
        given = replace(tools, runtime=replace(runtime, clock=moody))
        assert run(given, job_id, work, stopped.set)
        assert job_of(runtime, job_id).state == ("cancelled" if cancel else "succeeded")
        assert effects(runtime) == (0 if cancel else 1)

    def test_a_commit_that_fails_at_the_end_loses_no_lines(
        self, runtime: Runtime, tools: Toolbox, clock: SteppingClock
    ) -> None:
        def talk(job: RunningJob[Errand], _: Toolbox) -> dict[str, Any]:
            job.log("said before the end")
            return {"not": {"json"}}  # a set: the result cannot be written

        job_id = submit(runtime)
        assert run(tools, job_id, talk)
        assert lines(runtime, job_id).count("said before the end") == 1
        assert (job_of(runtime, job_id).error or {})["code"] == "unexpected"
