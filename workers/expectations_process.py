"""The process that runs suites of Great Expectations: `python -m workers.expectations_process TABLE CHECKS RESULTS`.

Of its own because the library takes seconds and hundreds of megabytes to load, which no worker should carry for suites
that do not use it; and because a pattern that never ends holds the interpreter: a worker would fall silent with it.
"""

import signal
import sys
from pathlib import Path

import polars as pl

from ml.checks.great_expectations import run_expectations
from workers.expectations import CHECKS, RESULTS


def main(table: str, checks: str, results: str, seconds: str) -> None:
    """Read the table (parquet) and the checks (JSON), write one list of results per check."""
    # Kills this process whatever it is doing, also when the worker that started it is gone.
    signal.alarm(int(seconds))
    frame = pl.scan_parquet(table)
    found = [run_expectations(frame, spec) for spec in CHECKS.validate_json(Path(checks).read_bytes())]
    Path(results).write_bytes(RESULTS.dump_json(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
