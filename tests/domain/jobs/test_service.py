"""Verbs of jobs on every database: claims, leases, fences, retries, cancels."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.runtime import Runtime
from domain.errors import Conflict
from domain.events.queries import after
from domain.events.service import write_outbox
from domain.jobs import queries, service
from domain.jobs.service import Cancelled, Claim, JobEnded, JobNotEnded, LeaseLost
from domain.jobs.spec import JobSpec
from domain.jobs.states import JobState
from tests.conftest import ON_BOTH_DATABASES, RecordingQueue, SteppingClock

pytestmark = ON_BOTH_DATABASES


class Errand(JobSpec):
    """A job of these tests."""

    name: str = "errand"


def submit(runtime: Runtime, **options: object) -> str:
    with runtime.transaction() as session:
        return service.submit(session, Errand(), subject="errands", **options).id  # type: ignore[arg-type]  # keywords of submit


def claim(runtime: Runtime, job_id: str, *, worker: str = "one", lease: float = 10.0) -> Claim | None:
    with runtime.transaction() as session:
        return service.claim(session, job_id, worker=worker, lease_seconds=lease)


def state(runtime: Runtime, job_id: str) -> str:
    with runtime.reading() as session:
        return queries.get_job(session, job_id).state


class TestSubmit:
    def test_wakes_a_worker_after_the_commit(self, runtime: Runtime, queue: RecordingQueue) -> None:
        job_id = submit(runtime)
        assert queue.nudged == [job_id]

    def test_wakes_nobody_when_the_transaction_fails(self, runtime: Runtime, queue: RecordingQueue) -> None:
        def submit_and_fail() -> None:
            with runtime.transaction() as session:
                service.submit(session, Errand(), subject="errands")
                raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            submit_and_fail()
        assert queue.nudged == []
        with runtime.reading() as session:
            assert queries.queue_facts(session, now=runtime.clock()).counts == {}
            assert after(session, 0) == []

    def test_same_key_is_the_same_job(self, runtime: Runtime) -> None:
        assert submit(runtime, key="k") == submit(runtime, key="k")

    def test_delayed_job_is_not_claimed_before_its_time(self, runtime: Runtime, clock: SteppingClock) -> None:
        job_id = submit(runtime, delay_seconds=60.0)
        assert claim(runtime, job_id) is None
        clock.advance(61)
        assert claim(runtime, job_id) is not None


class TestClaim:
    def test_one_of_many_claimants_wins(self, runtime: Runtime) -> None:
        job_id = submit(runtime)
        with ThreadPoolExecutor(8) as pool:
            won = [one for one in pool.map(lambda n: claim(runtime, job_id, worker=f"w{n}"), range(8)) if one]
        assert len(won) == 1

    def test_heartbeat_extends_the_lease_and_keeps_progress(self, runtime: Runtime, clock: SteppingClock) -> None:
        job_id = submit(runtime)
        held = claim(runtime, job_id)
        assert held is not None
        for _ in range(3):
            clock.advance(8)
            with runtime.transaction() as session:
                service.heartbeat(session, held, lease_seconds=10.0, progress=0.4, message="half way")
            with runtime.transaction() as session:
                assert service.reap(session) == []
        with runtime.reading() as session:
            job = queries.get_job(session, job_id)
        assert (job.progress, job.message) == (0.4, "half way")

    def test_zombie_cannot_record_after_its_lease_was_reaped(self, runtime: Runtime, clock: SteppingClock) -> None:
        job_id = submit(runtime)
        zombie = claim(runtime, job_id, worker="zombie")
        assert zombie is not None
        clock.advance(11)
        with runtime.transaction() as session:
            assert service.reap(session) == [job_id]
        fresh = claim(runtime, job_id, worker="fresh")
        assert fresh is not None
        with pytest.raises(LeaseLost), runtime.transaction() as session:
            service.finish(session, zombie, result={"by": "zombie"})
        with runtime.transaction() as session:
            service.finish(session, fresh, result={"by": "fresh"})
        with runtime.reading() as session:
            assert queries.get_job(session, job_id).result == {"by": "fresh"}


class TestFail:
    def test_retries_with_backoff_then_fails_for_good(self, runtime: Runtime, clock: SteppingClock) -> None:
        job_id = submit(runtime)
        seen = []
        for _ in range(Errand.max_attempts):
            held = claim(runtime, job_id)
            assert held is not None
            with runtime.transaction() as session:
                service.fail(session, held, error={"message": "broke"}, retry=True)
            seen.append(state(runtime, job_id))
            assert claim(runtime, job_id) is None
            clock.advance(301)
        assert seen == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]

    def test_refused_work_is_not_tried_again(self, runtime: Runtime) -> None:
        job_id = submit(runtime)
        held = claim(runtime, job_id)
        assert held is not None
        with runtime.transaction() as session:
            assert service.fail(session, held, error={"message": "bad spec"}, retry=False) == JobState.FAILED

    def test_person_retries_a_failed_job_from_the_first_attempt(self, runtime: Runtime) -> None:
        job_id = submit(runtime)
        held = claim(runtime, job_id)
        assert held is not None
        with pytest.raises(JobNotEnded), runtime.transaction() as session:
            service.retry(session, job_id)
        with runtime.transaction() as session:
            service.fail(session, held, error={"message": "bad"}, retry=False)
        with runtime.transaction() as session:
            service.retry(session, job_id)
        again = claim(runtime, job_id)
        assert again is not None
        assert (again.attempt, again.fence) == (1, held.fence + 1)


class TestCancel:
    def test_queued_job_is_cancelled_at_once(self, runtime: Runtime) -> None:
        job_id = submit(runtime)
        with runtime.transaction() as session:
            assert service.cancel(session, job_id).state == JobState.CANCELLED
        assert claim(runtime, job_id) is None
        with pytest.raises(JobEnded), runtime.transaction() as session:
            service.cancel(session, job_id)

    def test_running_job_learns_of_it_with_its_next_heartbeat(self, runtime: Runtime) -> None:
        job_id = submit(runtime)
        held = claim(runtime, job_id)
        assert held is not None
        with runtime.transaction() as session:
            assert service.cancel(session, job_id).state == JobState.RUNNING
        with pytest.raises(Cancelled), runtime.transaction() as session:
            service.heartbeat(session, held, lease_seconds=10.0, progress=0.0, message="")
        with runtime.transaction() as session:
            service.cancelled(session, held)
        assert state(runtime, job_id) == JobState.CANCELLED

    def test_running_job_whose_worker_died_is_cancelled_by_the_reaper(
        self, runtime: Runtime, clock: SteppingClock
    ) -> None:
        job_id = submit(runtime)
        claim(runtime, job_id)
        with runtime.transaction() as session:
            service.cancel(session, job_id)
        clock.advance(11)
        with runtime.transaction() as session:
            service.reap(session)
        assert state(runtime, job_id) == JobState.CANCELLED


class TestDue:
    def test_nudges_again_only_what_was_quiet_for_long(
        self, runtime: Runtime, clock: SteppingClock, queue: RecordingQueue
    ) -> None:
        job_id = submit(runtime)
        queue.nudged.clear()
        with runtime.transaction() as session:
            assert service.due(session, quiet_seconds=10.0, limit=10) == []
        clock.advance(11)
        with runtime.transaction() as session:
            assert service.due(session, quiet_seconds=10.0, limit=10) == [job_id]
        assert queue.nudged == [job_id]


class TestEvents:
    def test_of_many_writers_are_numbered_once(self, runtime: Runtime) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: submit(runtime), range(30)))
        with runtime.reading() as session:
            rows = after(session, 0)
        assert [row.type for row in rows] == ["JobQueued"] * 30
        assert len({row.seq for row in rows}) == 30

    def test_are_numbered_in_commit_order(self, runtime: Runtime) -> None:
        with ThreadPoolExecutor(1) as pool:
            with runtime.transaction() as session:
                first = service.submit(session, Errand(), subject="errands").id
                write_outbox(session)  # its event has a number now, and nobody can see it yet
                later = pool.submit(submit, runtime)
                with pytest.raises(TimeoutError):
                    later.result(timeout=0.5)
            second = later.result(timeout=10)
        with runtime.reading() as session:
            assert [row.payload["job_id"] for row in after(session, 0)] == [first, second]


def test_a_state_that_cannot_follow_is_refused(runtime: Runtime) -> None:
    job_id = submit(runtime)
    with runtime.transaction() as session:
        service.cancel(session, job_id)
    with pytest.raises(Conflict), runtime.transaction() as session:
        service.cancel(session, job_id)
