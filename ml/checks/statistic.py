"""statistic: one number over a column lies within bounds. Nulls and NaN are left out; `distinct` counts values."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from domain.data_checks.specs import StatisticCheck
from ml.checks.plan import Outcome, Plan, Table, Unfit, is_missing

_OF_ANY_TYPE = ("distinct", "distinct_share")
_WORDS = {"distinct": "distinct count", "distinct_share": "distinct share", "std": "standard deviation"}


def plan(spec: StatisticCheck, table: Table) -> Plan:
    table.need(spec.column)
    kind = table.type_of(spec.column)
    what = _WORDS.get(spec.statistic, spec.statistic)
    if spec.statistic not in _OF_ANY_TYPE and kind not in ("integer", "number"):
        raise Unfit(f"{spec.column!r} is {kind}: its {what} needs numbers.")
    values = pl.col(spec.column).filter(~is_missing(spec.column, table.schema[spec.column]))

    def judge(found: Mapping[str, Any]) -> Outcome:
        value = found["value"]
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

    return Plan(judge, {"value": _measure(spec, values)})


def _measure(spec: StatisticCheck, values: pl.Expr) -> pl.Expr:
    match spec.statistic:
        case "distinct":
            return values.n_unique()
        case "distinct_share":
            return values.n_unique() / pl.max_horizontal(values.len(), 1)
        case "mean":
            return values.mean()
        case "median":
            return values.median()
        case "std":
            return values.std()
        case "sum":
            return values.cast(pl.Float64).sum()
        case "min":
            return values.min()
        case "max":
            return values.max()
