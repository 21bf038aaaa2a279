"""not_null: at most a share of each column has no value; NaN is no value."""

from collections.abc import Iterable, Mapping
from typing import Any

import narwhals as nw

from domain.data_checks.specs import NotNullCheck
from ml.checks.plan import Outcome, Plan, Table, percent


def plan(spec: NotNullCheck, table: Table) -> Plan:
    table.need(*spec.columns)
    missing = {name: table.is_missing(name) for name in spec.columns}

    def then(found: Mapping[str, Any]) -> Mapping[str, nw.Expr]:
        holed = [name for name in missing if found[name]]
        return {"*any": table.count(_any(missing[name] for name in holed))} if len(holed) > 1 else {}

    def judge(found: Mapping[str, Any]) -> Outcome:
        shares = {name: found[name] / max(1, found["*rows"]) for name in missing}
        over = sorted((name for name in shares if shares[name] > spec.max_share), key=lambda name: -shares[name])
        said = ", ".join(f"{name!r} in {found[name]:,} rows ({percent(shares[name])})" for name in over)
        return Outcome(
            ok=not over,
            message=f"No value for {said}." if over else f"No column misses more than {percent(spec.max_share)}.",
            value=max(shares.values()),
            threshold=spec.max_share,
            failing=found.get("*any", max(found[name] for name in missing)),
            rows=_any(missing.values()) if over else None,
        )

    return Plan(judge, {name: table.missing(name) for name in missing} | {"*rows": nw.len()}, then)


def _any(masks: Iterable[nw.Expr]) -> nw.Expr:
    return nw.any_horizontal(*masks, ignore_nulls=True)
