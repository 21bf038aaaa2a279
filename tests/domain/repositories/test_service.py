"""Syncs of one repository: at most one is queued or runs, and no push is lost between two of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from adapters.runtime import Runtime
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.service import Claim
from domain.jobs.states import JobState
from domain.repositories import findings, queries, service
from domain.repositories.addresses import parse_address
from domain.repositories.models import Repository
from domain.repositories.service import RepositoryExists
from domain.repositories.specs import Expectation, SyncReport
from tests.conftest import ON_BOTH_DATABASES, RecordingQueue, SteppingClock

ADDRESS = parse_address("https://forge.example/team/data.git")


@pytest.fixture
def repository(runtime: Runtime) -> Repository:
    with runtime.transaction() as session:
        return service.register(session, name="team", address=ADDRESS)[0]


def ask(runtime: Runtime, **more: object) -> str:
    with runtime.transaction() as session:
        return service.request_sync(session, name="team", **more).id  # type: ignore[arg-type]  # as the test says


def states(runtime: Runtime) -> list[str]:
    with runtime.reading() as session:
        query = select(Job.state).where(Job.kind == "SyncRepository").order_by(Job.id)
        return [str(state) for state in session.scalars(query)]


def claim(runtime: Runtime) -> Claim:
    """Take the queued sync and begin it, as a worker does."""
    with runtime.transaction() as session:
        job_id = session.scalars(select(Job.id).where(Job.kind == "SyncRepository", Job.state == JobState.QUEUED)).one()
        held = jobs.claim(session, job_id, worker="w", lease_seconds=10)
    assert held is not None
    begin(runtime, held.job_id)
    return held


def begin(runtime: Runtime, job_id: str) -> Repository | None:
    with runtime.transaction() as session:
        found = session.scalars(select(Repository)).one()
        return service.begin_sync(session, repository_id=found.id, job_id=job_id)


def finish(runtime: Runtime, held: Claim, *, arrived: list[Expectation] | None = None) -> None:
    with runtime.transaction() as session:
        found = session.scalars(select(Repository)).one()
        findings.finish(
            session, repository_id=found.id, report=SyncReport(), arrived=arrived or [], again=False, rescanned=None
        )
    with runtime.transaction() as session:
        jobs.finish(session, held, result={})


def expected(branch: str, runtime: Runtime) -> Expectation:
    return Expectation(branch=branch, commit="a" * 40, asked_at=runtime.clock().timestamp())


@pytest.mark.usefixtures("repository")
class TestRequestSync:
    def test_while_one_is_queued_it_is_that_one(self, runtime: Runtime) -> None:
        assert len({ask(runtime) for _ in range(5)}) == 1
        assert states(runtime) == ["queued"]

    @ON_BOTH_DATABASES
    def test_while_one_runs_exactly_one_more_follows(self, runtime: Runtime) -> None:
        held = claim(runtime)
        for _ in range(5):
            ask(runtime)
        assert states(runtime) == ["running"]
        finish(runtime, held)
        assert states(runtime) == ["succeeded", "queued"]
        finish(runtime, claim(runtime))
        assert states(runtime) == ["succeeded", "succeeded"]

    def test_between_recording_and_ending_is_not_lost(self, runtime: Runtime, repository: Repository) -> None:
        held = claim(runtime)
        with runtime.transaction() as session:
            findings.finish(
                session, repository_id=repository.id, report=SyncReport(), arrived=[], again=False, rescanned=None
            )
        ask(runtime)
        with runtime.transaction() as session:
            jobs.finish(session, held, result={})
        assert states(runtime) == ["succeeded", "queued"]

    @pytest.mark.parametrize("retry", [True, False])
    def test_while_one_fails_is_not_lost(self, runtime: Runtime, *, retry: bool) -> None:
        held = claim(runtime)
        ask(runtime)
        with runtime.transaction() as session:
            jobs.fail(session, held, error={"message": "away"}, retry=retry)
        assert states(runtime) == (["queued"] if retry else ["failed", "queued"])

    def test_after_a_cancelled_one_is_a_new_one(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            jobs.cancel(session, session.scalars(select(Job.id)).one())
        ask(runtime)
        assert states(runtime) == ["cancelled", "queued"]

    @ON_BOTH_DATABASES
    def test_of_many_at_once_is_one(self, runtime: Runtime) -> None:
        finish(runtime, claim(runtime))
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _: ask(runtime), range(40)))
        assert len(found) == 1
        assert states(runtime) == ["succeeded", "queued"]

    @ON_BOTH_DATABASES
    def test_while_syncs_come_and_go_no_push_is_lost(self, runtime: Runtime) -> None:
        """Pushes count up while a worker looks; whatever the interleaving, the last look is after the last push."""
        pushed, seen = [0], 0

        def push(_: int) -> None:
            pushed[0] += 1
            ask(runtime)

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(push, number) for number in range(40)]
            while not all(one.done() for one in asked) or "queued" in states(runtime):
                if "queued" in states(runtime):
                    held = claim(runtime)
                    seen = pushed[0]
                    finish(runtime, held)
            for one in asked:
                one.result()
        assert seen == pushed[0] == 40

    def test_a_job_that_somebody_retried_leaves_it_to_the_one_at_work(self, runtime: Runtime) -> None:
        first = claim(runtime)
        with runtime.transaction() as session:
            jobs.fail(session, first, error={"message": "no"}, retry=False)
        ask(runtime)
        with runtime.transaction() as session:
            jobs.retry(session, first.job_id)
        second = [job_id for job_id in _queued(runtime) if job_id != first.job_id]
        assert begin(runtime, first.job_id) is None
        assert begin(runtime, second[0]) is not None


def _queued(runtime: Runtime) -> list[str]:
    with runtime.reading() as session:
        return list(session.scalars(select(Job.id).where(Job.state == JobState.QUEUED)))


@pytest.mark.usefixtures("repository")
class TestExpectedPush:
    def test_is_looked_for_in_a_moment_and_again_until_it_came(self, runtime: Runtime, clock: SteppingClock) -> None:
        finish(runtime, claim(runtime))
        expectation = expected("main", runtime)
        job_id = ask(runtime, expect=expectation)
        with runtime.reading() as session:
            assert session.get_one(Job, job_id).available_at > runtime.clock()
        for _ in range(3):
            clock.advance(20)
            finish(runtime, claim(runtime))
            assert states(runtime)[-1] == "queued"
        clock.advance(20)
        finish(runtime, claim(runtime), arrived=[expectation])
        assert states(runtime) == ["succeeded"] * 5

    def test_that_never_comes_is_given_up_after_two_minutes(self, runtime: Runtime, clock: SteppingClock) -> None:
        finish(runtime, claim(runtime))
        ask(runtime, expect=expected("main", runtime))
        while states(runtime)[-1] == "queued":
            clock.advance(21)
            finish(runtime, claim(runtime))
        assert len(states(runtime)) <= 8
        with runtime.reading() as session:
            report = session.scalars(select(Repository)).one().report
        assert report is not None
        assert report["notes"] == ["main: the announced aaaaaaaaaaaa did not arrive"]

    def test_is_not_waited_for_when_a_push_has_happened(self, runtime: Runtime, queue: RecordingQueue) -> None:
        finish(runtime, claim(runtime))
        job_id = ask(runtime, expect=expected("main", runtime))
        assert job_id not in queue.nudged
        assert ask(runtime) == job_id
        assert job_id in queue.nudged

    def test_of_a_branch_takes_the_place_of_the_one_before(self, runtime: Runtime) -> None:
        for _ in range(3):
            ask(runtime, expect=expected("main", runtime))
        ask(runtime, expect=expected("next", runtime))
        with runtime.reading() as session:
            assert [one["branch"] for one in session.scalars(select(Repository)).one().expected] == ["main", "next"]


@pytest.mark.usefixtures("repository")
class TestRegister:
    @pytest.mark.parametrize(
        ("name", "address"),
        [
            ("team", "https://forge.example/other.git"),
            ("other", "https://forge.example/team/data"),
            ("other", "git@forge.example:team/data.git"),
        ],
    )
    def test_what_is_there_is_refused(self, runtime: Runtime, name: str, address: str) -> None:
        with runtime.transaction() as session, pytest.raises(RepositoryExists, match="'team'"):
            service.register(session, name=name, address=parse_address(address))


@pytest.mark.usefixtures("repository")
class TestRemove:
    def test_cancels_what_is_queued_and_takes_its_rows(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            service.remove(session, name="team")
        assert states(runtime) == ["cancelled"]
        with runtime.reading() as session:
            assert queries.repository_ids(session) == set()
