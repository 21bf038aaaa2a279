"""statistic: one number over a column lies within bounds. Nulls and NaN are left out; `distinct` counts values."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import StatisticCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit

_OF_ANY_TYPE = ("distinct", "distinct_share")
_WORDS = {"distinct": "distinct count", "distinct_share": "distinct share", "std": "standard deviation"}


def plan(spec: StatisticCheck, table: Table) -> Plan:
    table.need(spec.column)
    kind = table.type_of(spec.column)
    what = _WORDS.get(spec.statistic, spec.statistic)
    if spec.statistic not in _OF_ANY_TYPE and kind not in ("integer", "number"):
        raise Unfit(f"{spec.column!r} is {kind}: its {what} needs numbers.")
    values = nw.when(~table.is_missing(spec.column)).then(table.column(spec.column))

    def judge(found: Mapping[str, Any]) -> Outcome:
        value = found["value"]
        if spec.statistic in _OF_ANY_TYPE:
            value -= found["count"] < found["rows"]
            value = value / max(1, found["count"]) if spec.statistic == "distinct_share" else value
        if value is None:
            return Outcome(False, f"{spec.column!r} has too few values for a {what}.")
        said = f"The {what} of {spec.column!r} is {value:.6g}"
        if spec.min is not None and (value < spec.min or (spec.strict and value == spec.min)):
            word = "not above" if spec.strict else "below"
            return Outcome(False, f"{said}, {word} {spec.min:g}.", value, spec.min)
        if spec.max is not None and (value > spec.max or (spec.strict and value == spec.max)):
            word = "not below" if spec.strict else "above"
            return Outcome(False, f"{said}, {word} {spec.max:g}.", value, spec.max)
        return Outcome(True, f"{said}.", value, spec.max if spec.max is not None else spec.min)

    return Plan(judge, {"value": _measure(spec, values), "count": values.count(), "rows": nw.len()})


def _measure(spec: StatisticCheck, values: nw.Expr) -> nw.Expr:
    """Nulls count for nothing in all of these, but are a distinct value."""
    match spec.statistic:
        case "distinct" | "distinct_share":
            return values.n_unique()
        case "mean":
            return values.mean()
        case "median":
            return values.cast(nw.Float64).median()
        case "std":
            return values.std()
        case "sum":
            return values.cast(nw.Float64).sum()
        case "min":
            return values.min()
        case "max":
            return values.max()
