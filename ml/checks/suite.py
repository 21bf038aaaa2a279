"""Runs a check suite: one pass for every measure; where something is wrong, one for more about it and for its rows.

Called by the worker that validates a dataset version, and by whoever wants to try a suite on a table.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import narwhals as nw
import polars as pl

from domain.data_checks.specs import CheckResult, CheckSpec, CheckSuite, DriftCheck, ExpressionCheck
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
from ml.engines import IN_MEMORY, Engine, Measure, Rows, Uncomputable

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
    frame: pl.LazyFrame,
    suite: CheckSuite,
    reference: Callable[[DriftCheck], pl.LazyFrame | None],
    engine: Engine = IN_MEMORY,
) -> list[CheckResult]:
    """One result per check, in the order of the suite, computed on `engine`; see `check`."""
    with ExitStack() as opened:
        rows = opened.enter_context(engine.open(frame, wheres_of(suite)))

        def other_rows(spec: DriftCheck) -> Rows | None:
            other = reference(spec)
            return opened.enter_context(engine.open(other)) if other is not None else None

        return check(rows, suite, other_rows)


def wheres_of(suite: CheckSuite) -> list[str]:
    """The predicates that a table has to be opened with for this suite."""
    return [spec.where for spec in suite.checks if isinstance(spec, ExpressionCheck)]


def check(rows: Rows, suite: CheckSuite, reference: Callable[[DriftCheck], Rows | None]) -> list[CheckResult]:
    """One result per check, in the order of the suite.

    `reference` gives the table a drift check compares with, `None` when there is no earlier version. A check that
    does not fit the table (no such column, wrong type, bad expression) fails and says why; it never raises.
    """
    table = Table(rows, reference)
    plans = [_plan(spec, table) for spec in suite.checks]
    outcomes = _outcomes(rows, plans)
    samples = _samples(rows, [outcome.rows for outcome in outcomes])
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


def blamed(frame: pl.DataFrame, specs: Sequence[CheckSpec]) -> list[pl.Series | None]:
    """For each check the rows it blames, as booleans; None where it passes, or cannot blame single rows."""
    with IN_MEMORY.open(frame.lazy(), wheres_of(CheckSuite(checks=list(specs)))) as rows:
        table = Table(rows, lambda _: None)
        masks = [outcome.rows for outcome in _outcomes(rows, [_plan(spec, table) for spec in specs])]
        wanted = [mask.alias(str(place)) for place, mask in enumerate(masks) if mask is not None]
        (found,) = rows.collect([rows.frame.select(*wanted)]) if wanted else (pl.DataFrame(),)
    return [found[str(place)].fill_null(value=False) if mask is not None else None for place, mask in enumerate(masks)]


def _plan(spec: CheckSpec, table: Table) -> Plan | Outcome:
    try:
        return KINDS[spec.check](spec, table)
    except Unfit as unfit:
        return Outcome(ok=False, message=str(unfit))


def _outcomes(rows: Rows, plans: list[Plan | Outcome]) -> list[Outcome]:
    """What each plan comes to. Should a pass fail while running, each plan is run alone to find which."""
    running = {place: plan for place, plan in enumerate(plans) if isinstance(plan, Plan)}
    try:
        found = _pass(rows, {place: plan.measures for place, plan in running.items()})
        more = _pass(rows, {place: plan.then(found[place]) for place, plan in running.items()})
    except Uncomputable as error:
        if len(plans) == 1:
            return [Outcome(ok=False, message=f"The check cannot be computed: {error}.")]
        return [_outcomes(rows, [plan])[0] for plan in plans]
    return [
        _judge(plan, found[place] | more[place]) if isinstance(plan, Plan) else plan for place, plan in enumerate(plans)
    ]


def _pass(rows: Rows, wanted: Mapping[int, Mapping[str, Measure]]) -> dict[int, dict[str, Any]]:
    every = {(place, key): measure for place, keys in wanted.items() for key, measure in keys.items()}
    found = rows.measure(every) if every else {}
    return {place: {key: found[place, key] for key in keys} for place, keys in wanted.items()}


def _judge(plan: Plan, values: Mapping[str, Any]) -> Outcome:
    try:
        return plan.judge(values)
    except Unfit as unfit:
        return Outcome(ok=False, message=str(unfit))
    except Uncomputable as error:
        return Outcome(ok=False, message=f"The check cannot be computed: {error}.")


def _samples(rows: Rows, masks: list[nw.Expr | None]) -> list[list[dict[str, Any]]]:
    """The first failing rows under each mask, with their 0-based place as `row`."""
    found = iter(rows.first([mask for mask in masks if mask is not None], SAMPLE_ROWS))
    return [next(found) if mask is not None else [] for mask in masks]


def _name(spec: CheckSpec) -> str:
    """`in_range(age)`: the kind and what it looks at."""
    for key in ("column", "columns", "target", "where"):
        subject = getattr(spec, key, None)
        if subject:
            return f"{spec.check}({subject if isinstance(subject, str) else ', '.join(subject)})"
    return spec.check
