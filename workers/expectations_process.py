"""The process that runs suites of Great Expectations: `python -m workers.expectations_process TABLE CHECKS RESULTS`.

Of its own because the library takes seconds and hundreds of megabytes to load, which no worker should carry for suites
that do not use it; and because a pattern that never ends holds the interpreter: a worker would fall silent with it.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import polars as pl

from ml.checks.great_expectations import run_expectations
from workers.expectations import CHECKS, RESULTS


def main(table: str, checks: str, results: str, seconds: str) -> None:
    """Read the table (parquet) and the checks (JSON), write one list of results per check."""
    signal.alarm(int(seconds))  # kills this process whatever it is doing
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    frame = pl.scan_parquet(table)
    found = [run_expectations(frame, spec) for spec in CHECKS.validate_json(Path(checks).read_bytes())]
    Path(results).write_bytes(RESULTS.dump_json(found))


def _end_with(worker: int) -> None:
    """A worker that is stopped, because the job was cancelled, stops without a word to this process."""
    while os.getppid() == worker:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
