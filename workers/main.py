"""`python -m workers.main worker|beat`: the processes that `millrace up` and the containers start.

`worker` runs jobs in a prefork pool that grows and shrinks with demand. `beat` sends the tick and does it
in its own process, so that a pool full of long jobs cannot hold it up. Rollouts are watched there as well.
"""

import argparse
import threading
from pathlib import Path

from celery.signals import worker_ready, worker_shutting_down

from adapters.queue import QUEUE_NAME
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from workers.app import TICK_QUEUE, make_celery
from workers.toolbox import open_toolbox
from workers.watcher import Watcher


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.main", description=__doc__)
    parser.add_argument("process", choices=["worker", "beat"])
    parser.add_argument("--min", type=int, default=1, help="pool processes kept when idle")
    parser.add_argument("--max", type=int, default=2, help="pool processes at most")
    chosen = parser.parse_args()
    settings = Settings()
    set_up_logging(settings)
    if chosen.process == "beat":
        _watch_rollouts(settings)
    make_celery(settings).worker_main(arguments(chosen.process, settings, minimum=chosen.min, maximum=chosen.max))


def _watch_rollouts(settings: Settings) -> None:
    """A thread beside the tick, which may take longer than a failing candidate is to be answered with."""
    stop = threading.Event()

    def start(**_: object) -> None:
        watcher = Watcher(open_toolbox(settings))
        threading.Thread(target=watcher.run, args=(stop,), name="rollouts", daemon=True).start()

    def end(**_: object) -> None:
        stop.set()

    worker_ready.connect(start, weak=False)  # the schedule has been forked off by then
    worker_shutting_down.connect(end, weak=False)


def arguments(process: str, settings: Settings, *, minimum: int, maximum: int) -> list[str]:
    """Celery's command line for a `worker` or for `beat`."""
    common = ["worker", "--loglevel", settings.log_level, "--without-gossip", "--without-mingle"]
    if process == "worker":
        own = [
            "--pool",
            "prefork",
            f"--autoscale={maximum},{minimum}",
            "--queues",
            QUEUE_NAME,
            "--hostname",
            "worker@%h",
        ]
    else:
        schedule = settings.home / "beat" / "schedule"
        Path(schedule.parent).mkdir(parents=True, exist_ok=True)
        own = ["--pool", "solo", "--beat", "--schedule", str(schedule), "--queues", TICK_QUEUE, "--hostname", "beat@%h"]
    return [*common, *own]


if __name__ == "__main__":
    main()
