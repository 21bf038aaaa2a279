"""A suite of 20 checks against one bare Polars pass that computes the same facts and judges nothing.

Both start from the same table in memory. `python -m bench.checks` prints one line.
"""

import time
from collections.abc import Callable

import numpy as np
import polars as pl

from bench.table import BenchRow
from domain.data_checks.specs import CheckSuite
from ml.checks.suite import run_suite

ROWS = 500_000
ROUNDS = 5
CODES = ["a", "b", "c", "d"]
NUMBERS = [f"number_{index}" for index in range(6)]
TEXTS = [f"code_{index}" for index in range(4)]


def run() -> list[BenchRow]:
    table = _table().lazy()
    suite = CheckSuite.model_validate(
        {
            "checks": [
                {"check": "row_count", "min": 1000},
                {"check": "not_null", "columns": [*NUMBERS, *TEXTS]},
                {"check": "unique", "columns": ["id"]},
                *({"check": "in_range", "column": name, "min": -10, "max": 10} for name in NUMBERS),
                *({"check": "in_set", "column": name, "values": CODES} for name in TEXTS),
                *({"check": "expression", "where": f"{name} < 10 AND id >= 0"} for name in NUMBERS),
                {"check": "target_balance", "column": "code_0"},
            ]
        }
    )
    ours = best(lambda: _all_pass(table, suite))
    peer = best(lambda: _bare(table))
    note = f"one bare Polars pass; {len(suite.checks)} checks, {ROWS:,} rows"
    return [BenchRow("checks", ours * 1000, peer * 1000, "ms", ours / peer, note)]


def _all_pass(table: pl.LazyFrame, suite: CheckSuite) -> None:
    results = run_suite(table, suite, lambda _: None)
    assert all(result.verdict == "pass" for result in results)


def _bare(table: pl.LazyFrame) -> None:
    """The facts the suite needs, as somebody would write them by hand, and no more."""
    facts = [pl.len(), pl.col("id").n_unique().alias("ids")]
    facts += [pl.col(name).null_count().alias(f"{name} nulls") for name in TEXTS]
    facts += [(pl.col(name).is_null() | pl.col(name).is_nan()).sum().alias(f"{name} nulls") for name in NUMBERS]
    for name in NUMBERS:
        column = pl.col(name)
        facts += [column.min().alias(f"{name} low"), column.max().alias(f"{name} high")]
        facts.append(((column < -10) | (column > 10)).sum().alias(f"{name} outside"))
        facts.append((~((column < 10) & (pl.col("id") >= 0))).sum().alias(f"{name} broken"))
    facts += [(~pl.col(name).is_in(CODES)).sum().alias(f"{name} strange") for name in TEXTS]
    facts.append(pl.col("code_0").value_counts().implode())
    table.select(facts).collect()


def _table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    numbers = {name: random.normal(size=ROWS) for name in NUMBERS}
    texts = {name: random.choice(CODES, ROWS) for name in TEXTS}
    return pl.DataFrame({"id": np.arange(ROWS), **numbers, **texts})


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest round: what the work costs, not what else the machine does."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    for row in run():
        print(row)
