"""`python -m bench`: what it prints, and what it refuses. The figures are for `make bench` to tell."""

import os
import re
import subprocess
import sys

from rich.console import Console

from bench.__main__ import drawn
from bench.table import BenchRow


def bench(*names: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "bench", *names]
    env = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_names_the_machine_and_gives_a_ratio() -> None:
    ran = bench("checks")
    assert ran.returncode == 0, ran.stderr
    assert f"{os.cpu_count()} cores" in ran.stdout
    assert re.search(r"│ checks .* ms .* \d+\.\d\d .*one bare Polars pass", ran.stdout)


def test_refuses_a_name_that_it_does_not_have() -> None:
    ran = bench("checks", "chekcs")
    assert ran.returncode == 2
    assert "there is no benchmark chekcs; there are checks, expectations, jobs, upload, dvc, predict" in ran.stderr


def test_writes_figures_to_be_read() -> None:
    console = Console(width=200)
    with console.capture() as seen:
        console.print(drawn([BenchRow("x", 15_103.4, 0.02992, "req/s", 0.5, "y")]))
    assert re.search(r"│ x +│ 15,103 +│ 0\.0299 +│ req/s +│ 0\.50 +│ y", seen.get())
