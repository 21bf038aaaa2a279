"""`make_celery`: the worker application with its two tasks. Each pool process opens its own toolbox after the fork."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from adapters.queue import RUN_JOB, TICK, make_celery_client
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from domain.jobs.spec import JobSpec
from workers.handlers.table import CHORES, HANDLERS
from workers.run import Handler, run_job
from workers.tick import Chore, tick
from workers.toolbox import Toolbox, open_toolbox

TICK_QUEUE = "millrace.tick"


class _Bench:
    """The toolbox of this process, opened on first use: connections must not cross a fork."""

    def __init__(self, open_it: Callable[[], Toolbox]) -> None:
        self._open = open_it
        self._owner = 0
        self._tools: Toolbox | None = None

    def tools(self) -> Toolbox:
        if self._tools is None or self._owner != os.getpid():
            self._tools, self._owner = self._open(), os.getpid()
        return self._tools

    def close(self) -> None:
        if self._tools is not None and self._owner == os.getpid():
            self._tools.runtime.close()
            self._tools = None


def make_celery(
    settings: Settings, *, handlers: Mapping[type[JobSpec], Handler] = HANDLERS, chores: Sequence[Chore] = CHORES
) -> Celery:
    """The Celery app of a worker or of beat, wired to what the settings describe."""
    celery = make_celery_client(settings.redis_url)
    celery.conf.beat_schedule = {
        "tick": {
            "task": TICK,
            "schedule": settings.tick_seconds,
            # A tick that waited longer than two rounds has been overtaken by a newer one.
            "options": {"queue": TICK_QUEUE, "expires": 2 * settings.tick_seconds},
        }
    }
    bench = _Bench(lambda: open_toolbox(settings))
    name = f"{socket.gethostname()}:{os.getpid()}"

    @celery.task(name=RUN_JOB, ignore_result=True)
    def run_job_task(job_id: str) -> None:
        run_job(job_id, tools=bench.tools(), handlers=handlers, worker=f"{name}/{os.getpid()}")

    @celery.task(name=TICK, ignore_result=True)
    def tick_task() -> None:
        tick(bench.tools(), chores)

    @worker_process_init.connect(weak=False)
    def open_in_child(**_: object) -> None:
        set_up_logging(settings)
        bench.tools()

    @worker_process_shutdown.connect(weak=False)
    def close_in_child(**_: object) -> None:
        bench.close()

    return celery
