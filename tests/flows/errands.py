"""A worker process with a slow job of its own, for tests that kill it: `python -m tests.flows.errands worker|beat`."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from domain.events.service import emit
from domain.events.spec import Event
from domain.jobs.spec import JobSpec
from workers.app import make_celery
from workers.main import arguments
from workers.run import RunningJob
from workers.tick import nudge_due, reap_lost
from workers.toolbox import Toolbox


class Errand(JobSpec):
    """Takes `seconds`, leaves its process id in `trace`, and has its effect once."""

    seconds: float = 0.0
    trace: str = ""


@dataclass(frozen=True, kw_only=True)
class ErrandRun(Event):
    job_id: str


def run_errand(job: RunningJob[Errand], _: Toolbox) -> dict[str, int]:
    if job.spec.trace:
        Path(job.spec.trace).write_text(str(os.getpid()))
    job.progress(0.5, "under way")
    time.sleep(job.spec.seconds)
    with job.transaction() as session:
        emit(session, ErrandRun(subject="errands", job_id=job.id))
    return {"pid": os.getpid()}


if __name__ == "__main__":
    settings = Settings()
    set_up_logging(settings)
    celery = make_celery(settings, handlers={Errand: run_errand}, chores=[reap_lost, nudge_due])
    celery.worker_main(arguments(sys.argv[1], settings, minimum=2, maximum=3))
