"""unique: no two rows agree in the columns. Null is a value here: two nulls agree."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import UniqueCheck
from ml.checks.plan import Outcome, Plan, Table, listed, rows
from ml.engines import ROW, Distinct


def plan(spec: UniqueCheck, table: Table) -> Plan:
    table.need(*spec.columns)
    columns = [table.column(name) for name in dict.fromkeys(spec.columns)]
    key = columns[0] if len(columns) == 1 else nw.struct(*columns)

    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["rows"] - found["distinct"]
        message = (
            f"{rows(count)} repeat {listed(spec.columns)} of an earlier row." if count else "No row repeats another."
        )
        blamed = ~key.is_first_distinct().over(order_by=ROW) if count else None
        return Outcome(not count, message, count, 0, failing=count, rows=blamed)

    return Plan(judge, {"rows": nw.len(), "distinct": Distinct(key)})
