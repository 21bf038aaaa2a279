"""expression: a SQL condition that must hold. As in SQL's CHECK, a row for which it is null is not judged."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from domain.data_checks.specs import ExpressionCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit, percent, rows
from ml.predicates import BadExpression, row_predicate


def plan(spec: ExpressionCheck, table: Table) -> Plan:
    try:
        broken = ~row_predicate(spec.where, table.frame)
    except BadExpression as error:
        raise Unfit(error.message) from error

    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["broken"]
        share = count / max(1, found["rows"])
        ok = share <= spec.max_share
        message = f"{rows(count)} ({percent(share)}) break `{spec.where}`." if count else f"`{spec.where}` holds."
        return Outcome(ok, message, share, spec.max_share, failing=count, rows=None if ok else broken)

    return Plan(judge, {"broken": broken.sum(), "rows": pl.len()})
