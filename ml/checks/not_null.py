"""not_null: at most a share of each column has no value; NaN is no value."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from domain.data_checks.specs import NotNullCheck
from ml.checks.plan import Outcome, Plan, Table, is_missing, percent


def plan(spec: NotNullCheck, table: Table) -> Plan:
    table.need(*spec.columns)
    missing = {name: is_missing(name, table.schema[name]) for name in spec.columns}

    def judge(found: Mapping[str, Any]) -> Outcome:
        shares = {name: found[name] / max(1, found["*rows"]) for name in missing}
        over = sorted((name for name in shares if shares[name] > spec.max_share), key=lambda name: -shares[name])
        said = ", ".join(f"{name!r} in {found[name]:,} rows ({percent(shares[name])})" for name in over)
        return Outcome(
            ok=not over,
            message=f"No value for {said}." if over else f"No column misses more than {percent(spec.max_share)}.",
            value=max(shares.values()),
            threshold=spec.max_share,
            failing=found["*any"],
            rows=pl.any_horizontal(missing.values()) if over else None,
        )

    measures = {name: mask.sum() for name, mask in missing.items()}
    return Plan(judge, measures | {"*rows": pl.len(), "*any": pl.any_horizontal(missing.values()).sum()})
