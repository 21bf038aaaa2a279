"""leakage: no single column gives the target away."""

from collections.abc import Mapping
from typing import Any

from domain.data_checks.specs import LeakageCheck
from ml.association import association
from ml.checks.plan import Outcome, Plan, Table, listed

MOST_ROWS = 50_000
"""More rows would sharpen the third digit of an association; the limit is about the second."""


def plan(spec: LeakageCheck, table: Table) -> Plan:
    table.need(spec.target, *spec.ignore)
    features = [name for name in table.schema if name != spec.target and name not in spec.ignore]

    def judge(_: Mapping[str, Any]) -> Outcome:
        rows = table.rows.sample(MOST_ROWS)
        found = {name: association(rows[name], rows[spec.target]) for name in features}
        if not found:
            return Outcome(True, "There is no other column.")
        leaks = sorted((name for name in found if found[name] > spec.max_association), key=lambda name: -found[name])
        worst = max(found, key=lambda name: found[name])
        said = (
            f"Nearly the target {spec.target!r} itself: {listed(leaks)}."
            if leaks
            else "No column gives the target away."
        )
        return Outcome(
            not leaks, f"{said} The nearest is {worst!r} ({found[worst]:.3f}).", found[worst], spec.max_association
        )

    return Plan(judge)
