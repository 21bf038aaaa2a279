"""Suites of Great Expectations beside our own checks: run in a process of their own, which loads the library."""

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from pydantic import TypeAdapter

from domain.data_checks.specs import CheckResult, CheckSuite, GreatExpectationsCheck
from workers.children import bare_environment

LIBRARY = "great_expectations"
LIMIT_SECONDS = 3_600
CHECKS = TypeAdapter(list[GreatExpectationsCheck])
RESULTS = TypeAdapter(list[list[CheckResult]])
_QUIET = {"GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"}


def without_expectations(suite: CheckSuite) -> CheckSuite:
    """The checks that are our own."""
    ours = [check for check in suite.checks if not isinstance(check, GreatExpectationsCheck)]
    return suite.model_copy(update={"checks": ours})


def with_expectations(
    frame: pl.LazyFrame, suite: CheckSuite, ours: Sequence[CheckResult], scratch: Path
) -> list[CheckResult]:
    """`ours`, the results of `without_expectations(suite)`, and those of Great Expectations, in the suite's order."""
    specs = [check for check in suite.checks if isinstance(check, GreatExpectationsCheck)]
    if not specs:
        return list(ours)
    own, theirs = iter(ours), iter(run_apart(frame, specs, scratch))
    return [
        result
        for check in suite.checks
        for result in (next(theirs) if isinstance(check, GreatExpectationsCheck) else [next(own)])
    ]


def run_apart(
    frame: pl.LazyFrame,
    specs: Sequence[GreatExpectationsCheck],
    scratch: Path,
    *,
    library: str = LIBRARY,
    seconds: int = LIMIT_SECONDS,
) -> list[list[CheckResult]]:
    """The results of each check, from a process that is killed after `seconds`. What stops it is a failed result."""
    if importlib.util.find_spec(library) is None:
        return _failed(specs, "Great Expectations is not installed where the workers run: install millrace[quality].")
    with TemporaryDirectory(dir=scratch) as folder:
        table, checks, results = (str(Path(folder, name)) for name in ("table.parquet", "checks.json", "results.json"))
        frame.sink_parquet(table)
        Path(checks).write_bytes(CHECKS.dump_json(list(specs)))
        command = [sys.executable, "-W", "ignore", "-m", "workers.expectations_process"]
        done = subprocess.run(
            [*command, table, checks, results, str(seconds)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=bare_environment(folder) | _QUIET,
        )
        if done.returncode == 0:
            return RESULTS.validate_json(Path(results).read_bytes())
    return _failed(specs, _why(done.returncode, done.stderr, seconds))


def _why(code: int, said: bytes, seconds: int) -> str:
    if code == -signal.SIGALRM:
        return f"Great Expectations was stopped: it took more than {seconds:,} seconds."
    if code < 0:
        return f"Great Expectations was stopped by signal {-code}: most often the machine has too little memory for it."
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    return f"Great Expectations broke off: {last[:300] or f'exit status {code}'}."


def _failed(specs: Sequence[GreatExpectationsCheck], message: str) -> list[list[CheckResult]]:
    return [
        [
            CheckResult(
                check=spec.check,
                name=spec.name or f"{spec.check}({spec.suite.name})",
                severity=spec.severity,
                verdict="fail" if spec.severity == "error" else "warn",
                message=message,
            )
        ]
        for spec in specs
    ]
