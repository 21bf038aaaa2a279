"""target_range: a numeric target that varies, with its mean where it belongs."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import TargetRangeCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit


def plan(spec: TargetRangeCheck, table: Table) -> Plan:
    table.need(spec.column)
    if table.type_of(spec.column) not in ("integer", "number"):
        raise Unfit(f"{spec.column!r} is {table.type_of(spec.column)}: a mean needs numbers.")

    def judge(found: Mapping[str, Any]) -> Outcome:
        mean = found["mean"]
        if mean is None:
            return Outcome(False, f"{spec.column!r} has no values.")
        if found["low"] == found["high"]:
            return Outcome(False, f"{spec.column!r} is {found['low']:g} in every row: there is nothing to learn.", mean)
        said = f"The mean of {spec.column!r} is {mean:.6g}"
        if spec.min_mean is not None and mean < spec.min_mean:
            return Outcome(False, f"{said}, below {spec.min_mean:g}.", mean, spec.min_mean)
        if spec.max_mean is not None and mean > spec.max_mean:
            return Outcome(False, f"{said}, above {spec.max_mean:g}.", mean, spec.max_mean)
        return Outcome(True, f"{said}.", mean, spec.max_mean if spec.max_mean is not None else spec.min_mean)

    values = table.column(spec.column).cast(nw.Float64)
    if table.schema[spec.column].is_float():
        values = nw.when(values.is_finite()).then(values)
    return Plan(judge, {"mean": values.mean(), "low": values.min(), "high": values.max()})
