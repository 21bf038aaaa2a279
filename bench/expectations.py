"""20 common checks on a table shaped like kddcup99 (494,021 rows, 42 columns), beside Great Expectations.

The other peer is one bare Polars pass that computes what the checks need to know. All three start from the table in
memory, in their own kind of frame, and each judges the same 20 things. `python -m bench.expectations` prints the rows.
"""

import importlib
import os
from typing import Any

import numpy as np
import polars as pl

from bench.checks import best
from bench.table import BenchRow
from domain.data_checks.specs import CheckSuite
from ml.checks.suite import run_suite

ROWS = 494_021
COUNTS = [f"count_{place}" for place in range(23)]
RATES = [f"rate_{place}" for place in range(15)]
TEXTS = {"protocol_type": 3, "service": 66, "flag": 11, "label": 23}
NULLS = [*COUNTS[:3], *RATES[:3]]
RANGES = [*COUNTS[:4], *RATES[:5]]
SETS = ["protocol_type", "flag", "label"]


def run() -> list[BenchRow]:
    table = _table()
    lazy = table.lazy()
    suite = CheckSuite.model_validate(
        {
            "checks": [
                {"check": "row_count", "min": 1000},
                *({"check": "not_null", "columns": [name]} for name in NULLS),
                *({"check": "in_range", "column": name, "min": 0, "max": _most(name)} for name in RANGES),
                *({"check": "in_set", "column": name, "values": _levels(name)} for name in SETS),
                {"check": "target_range", "column": RATES[0], "min_mean": 0, "max_mean": 1},
            ]
        }
    )

    def ours() -> None:
        assert all(result.verdict == "pass" for result in run_suite(lazy, suite, lambda _: None))

    def bare_pass() -> None:
        lazy.select(_facts()).collect()

    seconds = best(ours)
    bare = best(bare_pass)
    theirs = _great_expectations(table)
    size = f"{len(suite.checks)} checks, {ROWS:,} rows, 42 columns"
    return [
        BenchRow("expectations", seconds * 1000, bare * 1000, "ms", seconds / bare, f"one bare Polars pass; {size}"),
        BenchRow("expectations", seconds * 1000, theirs * 1000, "ms", seconds / theirs, "Great Expectations, pandas"),
    ]


def _facts() -> list[pl.Expr]:
    """What the checks need to know, as somebody would write it by hand."""
    facts = [pl.len(), pl.col(RATES[0]).mean().alias("mean")]
    facts += [pl.col(name).is_null().sum().alias(f"{name} nulls") for name in NULLS]
    facts += [(pl.col(name).is_nan()).sum().alias(f"{name} nan") for name in NULLS if name in RATES]
    for name in RANGES:
        column = pl.col(name)
        facts += [column.min().alias(f"{name} low"), column.max().alias(f"{name} high")]
        facts.append(((column < 0) | (column > _most(name))).sum().alias(f"{name} outside"))
    return facts + [(~pl.col(name).is_in(_levels(name))).sum().alias(f"{name} strange") for name in SETS]


def _great_expectations(table: pl.DataFrame) -> float:
    """Seconds of their best round; importing it (several seconds) is not counted."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx: Any = importlib.import_module("great_expectations")
    expect: Any = importlib.import_module("great_expectations.expectations")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table.to_pandas()})
    expectations = [
        expect.ExpectTableRowCountToBeBetween(min_value=1000),
        *(expect.ExpectColumnValuesToNotBeNull(column=name) for name in NULLS),
        *(expect.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=_most(name)) for name in RANGES),
        *(expect.ExpectColumnValuesToBeInSet(column=name, value_set=_levels(name)) for name in SETS),
        expect.ExpectColumnMeanToBeBetween(column=RATES[0], min_value=0, max_value=1),
    ]
    suite = gx.ExpectationSuite(name="bench", expectations=expectations)

    def validate() -> None:
        assert batch.validate(suite, result_format="SUMMARY").success

    return best(validate)


def _most(name: str) -> int:
    return 1 if name in RATES else 511


def _levels(name: str) -> list[str]:
    return [f"{name}_{place}" for place in range(TEXTS[name])]


def _table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {name: random.integers(0, 512, ROWS) for name in COUNTS}
    columns |= {name: random.integers(0, 101, ROWS) / 100 for name in RATES}
    columns |= {name: np.array(_levels(name))[random.integers(0, levels, ROWS)] for name, levels in TEXTS.items()}
    return pl.DataFrame(columns)


if __name__ == "__main__":
    for row in run():
        print(row)
