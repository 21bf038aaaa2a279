"""A process that runs one job, to be killed: `python -m tests.workers.collector JOB SECONDS_AHEAD`."""

import sys
from dataclasses import replace
from datetime import timedelta

from adapters.runtime import open_runtime
from adapters.settings import Settings
from tests.conftest import RecordingQueue, SteppingClock, TrackingInMemory
from workers.dataset_cache import DatasetCache
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

if __name__ == "__main__":
    settings = Settings(_env_file=None)
    clock = SteppingClock(timedelta(seconds=float(sys.argv[2])))
    runtime = replace(open_runtime(settings), clock=clock, queue=RecordingQueue())
    print("begins", flush=True)  # noqa: T201 - what the test waits for
    cache = DatasetCache(settings.home / "cache", 2**30)
    tools = Toolbox(runtime=runtime, tracking=TrackingInMemory(), scratch=settings.home, cache=cache)
    run_job(sys.argv[1], tools=tools, handlers=HANDLERS, worker="collector")
