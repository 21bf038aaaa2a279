"""expression: a SQL condition that must hold. As in SQL's CHECK, a row for which it is null is not judged."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import ExpressionCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit, percent, rows
from ml.engines import Uncomputable
from ml.predicates import BadExpression


def plan(spec: ExpressionCheck, table: Table) -> Plan:
    try:
        broken = ~table.rows.where(spec.where)
    except BadExpression as error:
        raise Unfit(error.message) from error
    except Uncomputable as error:
        raise Unfit(f"The check cannot be computed: {error}.") from error

    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["broken"]
        share = count / max(1, found["rows"])
        ok = share <= spec.max_share
        message = f"{rows(count)} ({percent(share)}) break `{spec.where}`." if count else f"`{spec.where}` holds."
        return Outcome(ok, message, share, spec.max_share, failing=count, rows=None if ok else broken)

    return Plan(judge, {"broken": table.count(broken), "rows": nw.len()})
