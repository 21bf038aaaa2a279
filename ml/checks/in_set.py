"""in_set: every value is one of a list. Nulls are not judged."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from domain.data_checks.specs import InSetCheck
from domain.datasets.specs import ColumnType
from ml.checks.plan import Outcome, Plan, Table, Unfit, listed, rows

SHOWN_VALUES = 5
_FITTING: Mapping[ColumnType, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
}


def plan(spec: InSetCheck, table: Table) -> Plan:
    table.need(spec.column)
    kind = table.type_of(spec.column)
    if kind not in _FITTING:
        raise Unfit(f"{spec.column!r} is {kind}: a set needs text, numbers or booleans.")
    if misfits := [value for value in spec.values if type(value) not in _FITTING[kind]]:
        raise Unfit(f"{spec.column!r} is {kind}, which {listed(misfits)} cannot be.")
    column = pl.col(spec.column)
    fractions = kind == "number" or any(isinstance(value, float) for value in spec.values)
    judged = column.cast(pl.Float64) if fractions else column
    strange = ~judged.is_in([float(value) for value in spec.values] if fractions else spec.values)

    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["count"]
        message = f"{rows(count)} of {spec.column!r} hold other values: {listed(found['values'], SHOWN_VALUES)}."
        good = f"{spec.column!r} holds nothing but the {len(spec.values)} values."
        return Outcome(not count, message if count else good, count, 0, failing=count, rows=strange if count else None)

    others = column.filter(strange)
    return Plan(judge, {"count": others.len(), "values": others.unique().sort().head(SHOWN_VALUES).implode()})
