"""`python -m workers.main worker|beat`: the processes that `millrace up` and the containers start.

`worker` runs jobs in a prefork pool that grows and shrinks with demand. `beat` sends the tick and does it
in its own process, so that a pool full of long jobs cannot hold it up.
"""

import argparse
from pathlib import Path

from adapters.queue import QUEUE_NAME
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from workers.app import TICK_QUEUE, make_celery


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.main", description=__doc__)
    parser.add_argument("process", choices=["worker", "beat"])
    parser.add_argument("--min", type=int, default=1, help="pool processes kept when idle")
    parser.add_argument("--max", type=int, default=2, help="pool processes at most")
    chosen = parser.parse_args()
    settings = Settings()
    set_up_logging(settings)
    make_celery(settings).worker_main(arguments(chosen.process, settings, minimum=chosen.min, maximum=chosen.max))


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
