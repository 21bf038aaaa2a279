"""columns: the named columns exist, whatever their types; if asked, no others do, or they stand in this order."""

from collections.abc import Mapping
from typing import Any

from domain.data_checks.specs import ColumnsCheck
from ml.checks.plan import Outcome, Plan, Table, listed


def plan(spec: ColumnsCheck, table: Table) -> Plan:
    present = list(table.schema)
    problems = [table.no_column(name) for name in dict.fromkeys(spec.columns) if name not in table.schema]
    extra = [name for name in present if name not in spec.columns]
    if extra and (spec.extra == "forbid" or spec.ordered):
        problems.append(f"Not declared: {listed(extra)}.")
    if not problems and spec.ordered and present != spec.columns:
        place = next((at for at, pair in enumerate(zip(present, spec.columns, strict=False)) if pair[0] != pair[1]), 0)
        problems.append(f"Column {place + 1} is {present[place]!r}, not {spec.columns[place]!r}.")
    good = f"All {len(spec.columns)} declared columns are there{', in their order' if spec.ordered else ''}."

    def judge(_: Mapping[str, Any]) -> Outcome:
        return Outcome(ok=not problems, message=" ".join(problems) or good, value=len(problems), threshold=0)

    return Plan(judge)
