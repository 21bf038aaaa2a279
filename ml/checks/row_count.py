"""row_count: the table has between `min` and `max` rows."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import RowCountCheck
from ml.checks.plan import Outcome, Plan, Table, rows


def plan(spec: RowCountCheck, _: Table) -> Plan:
    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["rows"]
        if spec.min is not None and count < spec.min:
            return Outcome(False, f"The table has {rows(count)}, at least {spec.min:,} are needed.", count, spec.min)
        if spec.max is not None and count > spec.max:
            return Outcome(False, f"The table has {rows(count)}, at most {spec.max:,} are allowed.", count, spec.max)
        return Outcome(True, f"The table has {rows(count)}.", count, spec.min if spec.min is not None else spec.max)

    return Plan(judge, {"rows": nw.len()})
