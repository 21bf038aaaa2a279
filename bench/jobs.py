"""From submitting a job to its handler's first line, and jobs per second, against bare Celery on the same broker.

Ours is a row in SQLite, a nudge, a claim, a heartbeat and a recorded end; the peer is a message to a task that does
nothing. Same Valkey, same number of pool processes, one after the other. `python -m bench.jobs` prints the rows.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from adapters.runtime import open_runtime
from adapters.settings import Settings
from bench.table import BenchRow
from cli.processes import environment, free_port
from cli.processes import valkey as valkey_process
from domain.jobs import service as jobs
from domain.jobs.spec import JobSpec
from migrations import run as migrations
from workers.app import make_celery
from workers.main import arguments
from workers.run import RunningJob
from workers.toolbox import Toolbox

PROCESSES = 2
ONE_BY_ONE = 300
AT_ONCE = 1_000
WARM_UP = 40
# The pause lets the last job end, so that each waits for nothing but its own way.
PAUSE_SECONDS = 0.01
STARTED = "bench.started"


class Nothing(JobSpec):
    """The job that only says when it started."""


def run() -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, _valkey(Path(folder, "redis")) as url:
        settings = Settings(home=Path(folder, "home"), redis_url=url, _env_file=None)
        runtime = open_runtime(settings)
        migrations.upgrade(runtime.database.writes)
        celery = Celery(broker=url, set_as_current=False)

        def submit() -> None:
            with runtime.transaction() as session:
                jobs.submit(session, Nothing(), subject="bench")

        def send() -> None:
            celery.send_task("bench.nothing", ignore_result=True)

        with Redis.from_url(url, socket_timeout=90) as broker:
            with _worker("ours", settings):
                ours = _measure(broker, submit)
            with _worker("bare", settings):
                bare = _measure(broker, send)
        runtime.close()
    note = f"bare Celery, a task that does nothing; {ONE_BY_ONE} one by one"
    many = f"bare Celery; {AT_ONCE:,} submitted at once, {PROCESSES} pool processes"
    return [
        BenchRow("job submit to start, p50", ours[0], bare[0], "ms", ours[0] / bare[0], note),
        BenchRow("job submit to start, p99", ours[1], bare[1], "ms", ours[1] / bare[1], note),
        BenchRow("jobs through the queue", ours[2], bare[2], "jobs/s", ours[2] / bare[2], many),
    ]


def _measure(broker: Redis, submit: Callable[[], None]) -> tuple[float, float, float]:
    """Milliseconds from submit to start (p50, p99), and jobs started per second when many are submitted at once."""
    for _ in range(WARM_UP):
        submit()
    for _ in range(WARM_UP):
        _started(broker)
    waits = []
    for _ in range(ONE_BY_ONE):
        time.sleep(PAUSE_SECONDS)
        before = time.time()
        submit()
        waits.append((_started(broker) - before) * 1000)
    before = time.time()
    for _ in range(AT_ONCE):
        submit()
    last = max(_started(broker) for _ in range(AT_ONCE))
    return statistics.median(waits), statistics.quantiles(waits, n=100)[98], AT_ONCE / (last - before)


def _started(broker: Redis) -> float:
    popped = broker.blpop([STARTED], timeout=60)
    assert isinstance(popped, list | tuple), "no job started within a minute"
    return float(popped[1])


@contextmanager
def _valkey(folder: Path) -> Iterator[str]:
    """The embedded broker as `millrace up` starts it, and its URL."""
    port = free_port()
    url = f"redis://:bench@127.0.0.1:{port}/0"
    argv = valkey_process(port, folder, "bench").argv
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            with Redis.from_url(url) as client:
                _wait_for(client)
            yield url
        finally:
            server.terminate()


def _wait_for(client: Redis) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def _worker(which: str, settings: Settings) -> Iterator[None]:
    """A worker in a process group of its own. It needs no waiting for: the warm-up waits for its first jobs."""
    given = {"MILLRACE_HOME": str(settings.home), "MILLRACE_REDIS_URL": settings.redis_url}
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench.jobs", which],
        env={**environment(os.environ), **given, "MILLRACE_LOG_LEVEL": "WARNING"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGKILL)  # nothing it holds outlives the benchmark
        worker.wait()


def _work(which: str) -> None:
    """The worker process: one of ours with a single handler, or Celery's with a single task."""
    settings = Settings()
    started = Redis.from_url(settings.redis_url)

    def say_started() -> None:
        started.rpush(STARTED, time.time())

    def handle(_job: RunningJob[Nothing], _tools: Toolbox) -> None:
        say_started()

    if which == "ours":
        celery = make_celery(settings, handlers={Nothing: handle}, chores=[])
        celery.worker_main(arguments("worker", settings, minimum=PROCESSES, maximum=PROCESSES))
        return
    bare = Celery(broker=settings.redis_url)
    bare.task(say_started, name="bench.nothing", ignore_result=True)
    bare.worker_main(["worker", "--loglevel", "WARNING", "--concurrency", str(PROCESSES), "--without-gossip"])


if __name__ == "__main__":
    if sys.argv[1:]:
        _work(sys.argv[1])
    else:
        for row in run():
            print(row)
