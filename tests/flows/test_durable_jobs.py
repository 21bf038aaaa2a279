"""Durable jobs in real processes: kill the worker, wipe the broker, stop the API; none is lost, none acts twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis

from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from domain.events.queries import after
from domain.jobs import queries, service
from domain.jobs.states import JobState
from migrations import run as migrations
from tests.flows.errands import Errand
from tests.servers import valkey

pytestmark = pytest.mark.redis


@dataclass
class Site:
    """A home, a broker, and the worker processes started on them."""

    settings: Settings
    runtime: Runtime
    broker: Redis
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, process: str) -> None:
        env = {
            **os.environ,
            "MILLRACE_HOME": str(self.settings.home),
            "MILLRACE_DATABASE_URL": self.settings.database_url,
            "MILLRACE_REDIS_URL": self.settings.redis_url,
            "MILLRACE_TICK_SECONDS": "0.5",
            "MILLRACE_LEASE_SECONDS": "4",
            "MILLRACE_HEARTBEAT_SECONDS": "0.3",
            "MILLRACE_RENUDGE_SECONDS": "2",
        }
        log = (self.settings.home / f"{process}.log").open("ab")
        self.processes[process] = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.errands", process],
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def kill(self, process: str) -> None:
        """SIGKILL to the process and all its children at once."""
        running = self.processes.pop(process)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()

    def submit(self, **fields: object) -> str:
        with self.runtime.transaction() as session:
            return service.submit(session, Errand.model_validate(fields), subject="errands").id

    def state(self, job_id: str) -> str:
        with self.runtime.reading() as session:
            return queries.get_job(session, job_id).state

    def effects(self) -> Counter[str]:
        with self.runtime.reading() as session:
            return Counter(row.payload["job_id"] for row in after(session, 0, limit=5_000) if row.type == "ErrandRun")


def wait_until(true: Callable[[], bool], *, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        url = stack.enter_context(valkey(tmp_path / "redis"))
        settings = Settings(home=tmp_path / "home", redis_url=url, _env_file=None)
        runtime = open_runtime(settings)
        stack.callback(runtime.close)
        migrations.upgrade(runtime.database.writes)
        broker = Redis.from_url(url)
        stack.callback(broker.close)
        built = Site(settings, runtime, broker)
        yield built
        for process in list(built.processes):
            built.kill(process)


def test_job_of_a_killed_worker_runs_again_and_has_its_effect_once(site: Site, tmp_path: Path) -> None:
    site.start("worker")
    site.start("beat")
    job_id = site.submit(seconds=3.0, trace=str(tmp_path / "pid"))
    wait_until((tmp_path / "pid").exists)
    site.kill("worker")
    site.start("worker")
    wait_until(lambda: site.state(job_id) == JobState.SUCCEEDED)
    with site.runtime.reading() as session:
        assert queries.get_job(session, job_id).attempt == 2
    assert site.effects() == {job_id: 1}


def test_wiped_broker_with_fifty_queued_jobs_loses_none(site: Site) -> None:
    jobs = [site.submit() for _ in range(50)]
    assert site.broker.llen("millrace") == 50
    site.broker.flushall()
    site.start("worker")
    site.start("beat")
    wait_until(lambda: all(site.state(job) == JobState.SUCCEEDED for job in jobs))
    assert site.effects() == dict.fromkeys(jobs, 1)


def test_jobs_submitted_while_the_broker_is_away_run_when_it_is_back(site: Site, tmp_path: Path) -> None:
    site.start("worker")
    site.start("beat")
    wait_until(lambda: site.state(site.submit()) in {JobState.RUNNING, JobState.SUCCEEDED} or True)
    site.broker.shutdown(nosave=True)
    jobs = [site.submit() for _ in range(3)]
    port = int(site.settings.redis_url.rpartition(":")[2].partition("/")[0])
    with valkey(tmp_path / "redis", port=port):
        wait_until(lambda: all(site.state(job) == JobState.SUCCEEDED for job in jobs), seconds=60)
    assert set(site.effects().values()) == {1}


def test_running_job_that_is_cancelled_stops_its_process(site: Site, tmp_path: Path) -> None:
    site.start("worker")
    site.start("beat")
    trace = tmp_path / "pid"
    job_id = site.submit(seconds=60.0, trace=str(trace))
    wait_until(lambda: trace.exists() and trace.read_text() != "")
    pid = int(trace.read_text())
    with site.runtime.transaction() as session:
        service.cancel(session, job_id)
    wait_until(lambda: site.state(job_id) == JobState.CANCELLED, seconds=10)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), seconds=10)
    later = site.submit()
    wait_until(lambda: site.state(later) == JobState.SUCCEEDED)
    assert site.effects() == {later: 1}
