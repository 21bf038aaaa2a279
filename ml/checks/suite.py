"""Runs a check suite: one pass for every measure, one more for the rows of the checks that failed.

Called by the worker that validates a dataset version, and by whoever wants to try a suite on a table.
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from domain.data_checks.specs import CheckResult, CheckSpec, CheckSuite, DriftCheck
from ml.checks import (
    columns,
    drift,
    expression,
    in_range,
    in_set,
    leakage,
    not_null,
    row_count,
    schema,
    statistic,
    target_balance,
    target_range,
    unique,
)
from ml.checks.plan import Outcome, Plan, Table, Unfit
from ml.frames import json_safe
from ml.predicates import reason

SAMPLE_ROWS = 10

KINDS: Mapping[str, Callable[[Any, Table], Plan]] = {
    "schema": schema.plan,
    "not_null": not_null.plan,
    "in_range": in_range.plan,
    "in_set": in_set.plan,
    "unique": unique.plan,
    "row_count": row_count.plan,
    "target_balance": target_balance.plan,
    "target_range": target_range.plan,
    "leakage": leakage.plan,
    "drift": drift.plan,
    "expression": expression.plan,
    "columns": columns.plan,
    "statistic": statistic.plan,
}


def run_suite(
    frame: pl.LazyFrame, suite: CheckSuite, reference: Callable[[DriftCheck], pl.LazyFrame | None]
) -> list[CheckResult]:
    """One result per check, in the order of the suite.

    `reference` gives the table a drift check compares with, `None` when there is no earlier version. A check that
    does not fit the table (no such column, wrong type, bad expression) fails and says why; it never raises.
    """
    table = Table(frame, frame.collect_schema(), reference)
    plans = [_plan(spec, table) for spec in suite.checks]
    outcomes = [_judge(plan, values) for plan, values in zip(plans, _measure(frame, plans), strict=True)]
    samples = _samples(table, [outcome.rows for outcome in outcomes])
    return [
        CheckResult(
            check=spec.check,
            name=spec.name or _name(spec),
            severity=spec.severity,
            verdict="pass" if outcome.ok else "fail" if spec.severity == "error" else "warn",
            value=outcome.value,
            threshold=outcome.threshold,
            message=outcome.message,
            failing_count=outcome.failing,
            failing_rows=sample,
        )
        for spec, outcome, sample in zip(suite.checks, outcomes, samples, strict=True)
    ]


def _plan(spec: CheckSpec, table: Table) -> Plan | Outcome:
    try:
        return KINDS[spec.check](spec, table)
    except Unfit as unfit:
        return Outcome(ok=False, message=str(unfit))


def _judge(plan: Plan | Outcome, values: Mapping[str, Any] | Outcome) -> Outcome:
    if isinstance(plan, Outcome):
        return plan
    if isinstance(values, Outcome):
        return values
    try:
        return plan.judge(values)
    except Unfit as unfit:
        return Outcome(ok=False, message=str(unfit))


def _measure(frame: pl.LazyFrame, plans: list[Plan | Outcome]) -> list[Mapping[str, Any] | Outcome]:
    """The measures of every plan. Should one of them fail while running, each is run alone to find which."""
    wanted = [plan.measures if isinstance(plan, Plan) else {} for plan in plans]
    every = [expr.alias(f"{place} {key}") for place, keys in enumerate(wanted) for key, expr in keys.items()]
    try:
        found = frame.select(every).collect().row(0, named=True) if every else {}
    except PolarsError as error:
        if len(plans) == 1:
            return [Outcome(ok=False, message=f"The check cannot be computed: {reason(error)}.")]
        return [_measure(frame, [plan])[0] for plan in plans]
    return [{key: found[f"{place} {key}"] for key in keys} for place, keys in enumerate(wanted)]


def _samples(table: Table, masks: list[pl.Expr | None]) -> list[list[dict[str, Any]]]:
    """The first failing rows under each mask, with their 0-based place as `row`, in one pass."""
    row = pl.struct(json_safe(name, dtype).alias(name) for name, dtype in table.schema.items())
    wanted = []
    for place, mask in enumerate(masks):
        if mask is not None:
            wanted.append(pl.int_range(pl.len()).filter(mask).head(SAMPLE_ROWS).implode().alias(f"{place} places"))
            wanted.append(row.filter(mask).head(SAMPLE_ROWS).implode().alias(f"{place} rows"))
    found = table.frame.select(wanted).collect().row(0, named=True) if wanted else {}
    return [
        [{**values, "row": at} for at, values in zip(found[f"{place} places"], found[f"{place} rows"], strict=True)]
        if mask is not None
        else []
        for place, mask in enumerate(masks)
    ]


def _name(spec: CheckSpec) -> str:
    """`in_range(age)`: the kind and what it looks at."""
    for key in ("column", "columns", "target", "where"):
        subject = getattr(spec, key, None)
        if subject:
            return f"{spec.check}({subject if isinstance(subject, str) else ', '.join(subject)})"
    return spec.check
