"""drift: the columns did not move against another version of the dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from domain.data_checks.specs import DriftCheck, DriftMethod
from ml.checks.plan import Outcome, Plan, Table, Unfit, listed
from ml.divergence import Floats, Kind, chi2, ks, psi_null, wasserstein, wasserstein_null
from ml.drift import Comparison, compare_levels, compare_numbers, kind_of_type, levels, same_type, sorted_numbers
from ml.engines import Distinct, Measure, Rows, Tally

ALPHA = 0.05
"""Odds of an alarm on a version that did not move at all, over all its columns together."""


@dataclass(frozen=True)
class _Method:
    """How one method sizes a shift: what effect matters, and what effect chance shows with probability alpha."""

    effect: Callable[[Comparison], float]
    matters: float
    by_chance: Callable[[Comparison, float], float]


def plan(spec: DriftCheck, table: Table) -> Plan:
    if spec.columns is not None:
        table.need(*spec.columns)
    before = table.reference(spec)

    def judge(_: Mapping[str, Any]) -> Outcome:
        if before is None:
            return Outcome(True, "There is no earlier version to compare with.")
        return _judge(spec, table.rows, before)

    return Plan(judge)


def _judge(spec: DriftCheck, now: Rows, before: Rows) -> Outcome:
    """Column by column: in memory are the numbers of one column of both versions, and of categories the counts."""
    kinds = _kinds(spec, now, before)
    if not kinds:
        return Outcome(True, "No column can be compared with the other version.")
    method, effects, limits = _METHODS[spec.method], {}, {}
    for name, kind in kinds.items():
        both = _compared(name, kind, now, before)
        effects[name] = method.effect(both)
        chance = method.by_chance(both, ALPHA / len(kinds)) if spec.max_effect is None else 0.0
        limits[name] = max(method.matters, chance) if spec.max_effect is None else spec.max_effect
    moved = sorted((name for name in effects if effects[name] > limits[name]), key=lambda name: -effects[name])
    worst = max(effects, key=lambda name: effects[name] - limits[name])
    word = "psi" if spec.method == "auto" else spec.method
    said = ", ".join(f"{name!r} ({word} {effects[name]:.3g}, limit {limits[name]:.3g})" for name in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    steady = f"None of {len(kinds)} columns moved; the nearest to its limit is {worst!r} ({word} {effects[worst]:.3g})."
    return Outcome(not moved, f"Moved: {said}{more}." if moved else steady, effects[worst], limits[worst])


def _kinds(spec: DriftCheck, now: Rows, before: Rows) -> dict[str, Kind]:
    """The columns to judge. Unless named, times are left out (they always move on), and what a method cannot size."""
    names = spec.columns or [
        name for name in now.schema if name in before.schema and not now.schema[name].is_temporal()
    ]
    if absent := [name for name in names if name not in before.schema]:
        raise Unfit(f"The other version has no column {listed(absent)}.")
    alike = [name for name in names if same_type(before.schema[name], now.schema[name])]
    facts, present = before.measure(_facts(before, alike)), now.measure(_facts(now, alike))
    kinds = {
        name: kind_of_type(before.schema[name], lambda name=name: facts["distinct", name] - facts["nulls", name])  # type: ignore[misc]
        for name in alike
        if facts["values", name] and present["values", name]
    }
    if spec.columns and len(kinds) < len(names):
        raise Unfit(f"Without values or of another type in one of the versions: {listed(set(names) - set(kinds))}.")
    if spec.method in ("ks", "wasserstein"):
        categories = [name for name, kind in kinds.items() if kind == "category"]
        if spec.columns and categories:
            raise Unfit(f"{spec.method} needs numbers, and these are categories: {listed(categories)}.")
        return {name: kind for name, kind in kinds.items() if kind == "number"}
    return kinds


def _facts(rows: Rows, names: list[str]) -> dict[tuple[str, str], Measure]:
    """Per column the rows with a (finite) value, and of integers the distinct values and whether null is one."""
    facts: dict[tuple[str, str], Measure] = {}
    for name in names:
        column, dtype = rows.column(name), rows.schema[name]
        facts["values", name] = rows.count(column.is_finite()) if dtype.is_float() else column.count()
        if dtype.is_integer():
            facts["distinct", name] = Distinct(column)
            facts["nulls", name] = column.is_null().any()
    return facts


def _compared(name: str, kind: Kind, now: Rows, before: Rows) -> Comparison:
    if kind == "number":
        both = compare_numbers(sorted_numbers(before.values(name)), sorted_numbers(now.values(name)))
    else:
        tallies = (rows.measure({"levels": Tally(rows.column(name))})["levels"] for rows in (before, now))
        both = compare_levels(*(levels(tally) for tally in tallies))
    if both is None:
        raise Unfit(f"{name!r} has no values in one of the versions.")
    return both


def _psi_by_chance(both: Comparison, alpha: float) -> float:
    return psi_null(both.n_reference, both.n, both.counts.bins, alpha)


def _ks_by_chance(both: Comparison, alpha: float) -> float:
    return float(special.kolmogi(alpha) * np.sqrt(1 / both.n_reference + 1 / both.n))


def _cramers_v(both: Comparison) -> float:
    return float(np.sqrt(chi2(both.counts)[0] / (both.n_reference + both.n)))


def _v_by_chance(both: Comparison, alpha: float) -> float:
    return float(np.sqrt(special.chdtri(max(1, both.counts.bins - 1), alpha) / (both.n_reference + both.n)))


def _numbers(both: Comparison) -> tuple[Floats, Floats]:
    if both.numbers is None:
        raise Unfit("This method needs numbers.")
    return both.numbers


_PSI = _Method(lambda both: both.psi, 0.2, _psi_by_chance)
# For small shifts KL (nats) is about PSI / 2, and JS (bits) about PSI / (8 ln 2): one ruler in three units.
_METHODS: Mapping[DriftMethod, _Method] = {
    "auto": _PSI,
    "psi": _PSI,
    "kl": _Method(lambda both: both.kl, 0.1, lambda both, alpha: _psi_by_chance(both, alpha) / 2),
    "js": _Method(lambda both: both.js, 0.035, lambda both, alpha: _psi_by_chance(both, alpha) / (8 * np.log(2))),
    "ks": _Method(lambda both: ks(*_numbers(both))[0], 0.1, _ks_by_chance),
    "chi2": _Method(_cramers_v, 0.1, _v_by_chance),
    "wasserstein": _Method(
        lambda both: wasserstein(*_numbers(both)),
        0.1,
        lambda both, alpha: wasserstein_null(_numbers(both)[0], both.n, alpha),
    ),
}
