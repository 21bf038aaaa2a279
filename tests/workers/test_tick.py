"""Every tick does every chore, however the others fare."""

from adapters.runtime import Runtime
from domain.jobs import service
from domain.jobs.queries import get_job
from tests.conftest import RecordingQueue, SteppingClock
from tests.flows.errands import Errand
from workers.tick import nudge_due, reap_lost, tick
from workers.toolbox import Toolbox


def submit(runtime: Runtime) -> str:
    with runtime.transaction() as session:
        return service.submit(session, Errand(), subject="errands").id


def test_a_chore_that_fails_keeps_no_other_from_its_turn(tools: Toolbox) -> None:
    done: list[str] = []

    def fail(_: Toolbox) -> None:
        raise OSError("the store is away")

    def work(_: Toolbox) -> None:
        done.append("work")

    tick(tools, [fail, work])
    assert done == ["work"]


def test_a_lost_job_is_queued_and_nudged_again(
    runtime: Runtime, tools: Toolbox, clock: SteppingClock, queue: RecordingQueue
) -> None:
    job_id = submit(runtime)
    with runtime.transaction() as session:
        assert service.claim(session, job_id, worker="w", lease_seconds=10) is not None
    reap_lost(tools)
    with runtime.reading() as session:
        assert get_job(session, job_id).state == "running"
    clock.advance(11)
    reap_lost(tools)
    with runtime.reading() as session:
        assert get_job(session, job_id).state == "queued"
    assert queue.nudged == [job_id, job_id]


def test_what_the_broker_forgot_is_nudged_again_and_only_then(
    runtime: Runtime, tools: Toolbox, clock: SteppingClock, queue: RecordingQueue
) -> None:
    job_id = submit(runtime)
    nudge_due(tools)
    assert queue.nudged == [job_id]
    clock.advance(tools.runtime.settings.renudge_seconds + 1)
    nudge_due(tools)
    assert queue.nudged == [job_id, job_id]


def test_nobody_is_nudged_while_the_broker_is_full(
    runtime: Runtime, tools: Toolbox, clock: SteppingClock, queue: RecordingQueue
) -> None:
    submit(runtime)
    clock.advance(3600)
    queue.nudged = ["waiting"] * 201
    nudge_due(tools)
    assert len(queue.nudged) == 201
