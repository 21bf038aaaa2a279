"""target_balance: a target of at least two classes, none of them rare. Nulls belong to no class."""

from collections.abc import Mapping
from typing import Any

from domain.data_checks.specs import TargetBalanceCheck
from ml.checks.plan import Outcome, Plan, Table, percent
from ml.engines import Tally


def plan(spec: TargetBalanceCheck, table: Table) -> Plan:
    table.need(spec.column)

    def judge(found: Mapping[str, Any]) -> Outcome:
        counts = {label: count for label, count in found["counts"] if label is not None and label == label}  # noqa: PLR0124
        if len(counts) < 2:
            only = f"one class, {next(iter(counts))!r}" if counts else "no values"
            return Outcome(False, f"{spec.column!r} has {only}: there is nothing to learn.", 0.0, spec.min_share)
        total = sum(counts.values())
        rare = {label: count / total for label, count in counts.items() if count / total < spec.min_share}
        smallest = min(counts, key=lambda label: (counts[label], str(label)))
        share = counts[smallest] / total
        said = f"The smallest of the {len(counts)} classes of {spec.column!r} is {smallest!r} with {percent(share)}"
        more = f"; {len(rare)} are below {percent(spec.min_share)}" if rare else ""
        blamed = table.is_one_of(spec.column, rare) if rare else None
        failing = sum(counts[label] for label in rare)
        return Outcome(not rare, f"{said}{more}.", share, spec.min_share, failing=failing, rows=blamed)

    return Plan(judge, {"counts": Tally(table.column(spec.column))})
