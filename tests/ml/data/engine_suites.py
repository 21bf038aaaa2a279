"""Real tables and a suite with every kind of check, for the suites that compare engines."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from domain.data_checks.specs import CheckSuite
from ml import frames
from ml.checks.suite import check, wheres_of
from ml.engines import Engine
from ml.profile import profile_rows

BIKES = Path(__file__).parents[3] / "examples" / "bikes" / "hour.csv"

SUITE = CheckSuite.model_validate(
    {
        "checks": [
            {"check": "schema", "columns": {"dteday": "datetime", "cnt": "int", "temp": "integer"}},
            {"check": "not_null", "columns": ["cnt", "temp", "holes", "a.b`c"]},
            {"check": "in_range", "column": "hum", "min": 0.1, "max": 0.95},
            {"check": "in_range", "column": "holes", "max": 0.5},
            {"check": "in_range", "column": "single", "min": 0.02, "max": 0.96},
            {"check": "in_range", "column": "dteday", "min": "2012-01-02", "max": "2012-12-30T12:30:00.5"},
            {"check": "in_range", "column": "unsigned", "min": 0, "max": 1e19},
            {"check": "in_set", "column": "season", "values": [1, 2, 3]},
            {"check": "in_set", "column": "temp", "values": [0.02, *range(9)]},
            {"check": "in_set", "column": "a.b`c", "values": ["clear", "mist"]},
            {"check": "unique", "columns": ["instant"]},
            {"check": "unique", "columns": ["season", "holes"]},
            {"check": "row_count", "min": 100},
            {"check": "target_balance", "column": "weathersit"},
            {"check": "target_balance", "column": "dteday", "min_share": 0.0026},
            {"check": "target_range", "column": "holes", "min_mean": 300},
            {"check": "leakage", "target": "cnt"},
            {"check": "drift"},
            {"check": "drift", "method": "wasserstein", "columns": ["cnt", "holes"]},
            {"check": "expression", "where": "casual + registered = cnt"},
            {"check": "expression", "where": "cnt > avg(cnt) OR \"a.b`c\" LIKE 'c%'"},
            {"check": "expression", "where": "CAST(cnt / (season - season) AS INT) > 0"},
            {"check": "expression", "where": "seasn < 3"},
        ]
    }
)


def bikes() -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The second year and, to compare with, the first, with columns of the kinds that engines differ in."""
    hour = pl.col("hr")
    table = frames.scan(BIKES, "csv").with_columns(
        holes=pl.when(hour == 3)
        .then(None)
        .when(hour == 4)
        .then(math.nan)
        .when(hour == 5)
        .then(math.inf)
        .otherwise("hum"),
        single=pl.col("temp").cast(pl.Float32),
        unsigned=pl.lit(2**63, pl.UInt64) + pl.col("cnt").cast(pl.UInt64),
        workday=pl.col("workingday") == 1,
        dteday=pl.col("dteday") + pl.duration(hours=hour, microseconds=hour),
        **{"a.b`c": pl.col("weathersit").replace_strict({1: "clear", 2: "mist"}, default=None, return_dtype=pl.String)},
    )
    return table.filter(pl.col("yr") == 1), table.filter(pl.col("yr") == 0)


def found(engine: Engine, table: pl.LazyFrame, before: pl.LazyFrame, suite: CheckSuite = SUITE) -> dict[str, Any]:
    """The profile and the results, by name."""
    with ExitStack() as opened:
        rows = opened.enter_context(engine.open(table, wheres_of(suite)))
        other = opened.enter_context(engine.open(before))
        facts = {column.name: column.model_dump() for column in profile_rows(rows).columns}
        results = [result.model_dump() for result in check(rows, suite, lambda _: other)]
    return {"profile": facts, "checks": results}


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two results differ, numbers by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [gap for key in one for gap in differences(one[key], other[key], f"{at}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            gap
            for place, pair in enumerate(zip(one, other, strict=True))
            for gap in differences(*pair, f"{at}/{place}")
        ]
    if isinstance(one, float) and isinstance(other, float) and math.isclose(one, other, rel_tol=1e-9):
        return []
    return [] if one == other and type(one) is type(other) else [f"{at}: {one!r} is not {other!r}"]
