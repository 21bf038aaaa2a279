"""in_set: every value is one of a list. Nulls are not judged."""

from collections.abc import Mapping
from typing import Any

from domain.data_checks.specs import InSetCheck
from domain.datasets.specs import ColumnType
from ml.checks.plan import Outcome, Plan, Table, Unfit, listed, rows
from ml.engines import Measure, Tally

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
    fractions = kind == "number" or any(isinstance(value, float) for value in spec.values)
    strange = ~table.is_one_of(spec.column, spec.values, as_float=fractions)
    others = Tally(table.column(spec.column), where=strange, most=SHOWN_VALUES, order="value")

    def then(found: Mapping[str, Any]) -> Mapping[str, Measure]:
        return {"others": others} if found["count"] else {}

    def judge(found: Mapping[str, Any]) -> Outcome:
        count = found["count"]
        if not count:
            good = f"{spec.column!r} holds nothing but the {len(spec.values)} values."
            return Outcome(True, good, count, 0)
        shown = listed(value for value, _ in found["others"])
        message = f"{rows(count)} of {spec.column!r} hold other values: {shown}."
        return Outcome(False, message, count, 0, failing=count, rows=strange)

    return Plan(judge, {"count": table.count(strange)}, then)
