"""drift: the columns did not move against another version of the dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from domain.data_checks.specs import DriftCheck, DriftMethod
from ml.checks.plan import Outcome, Plan, Table, Unfit, listed
from ml.divergence import Floats, chi2, ks, psi_null, wasserstein, wasserstein_null
from ml.drift import Comparison, compare

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
        return _judge(spec, table, before.collect())

    return Plan(judge)


def _judge(spec: DriftCheck, table: Table, before: pl.DataFrame) -> Outcome:
    method = _METHODS[spec.method]
    compared = _compared(spec, table, before)
    if not compared:
        return Outcome(True, "No column can be compared with the other version.")
    effects = {name: method.effect(both) for name, both in compared.items()}
    limits = (
        dict.fromkeys(compared, spec.max_effect)
        if spec.max_effect is not None
        else {
            name: max(method.matters, method.by_chance(both, ALPHA / len(compared))) for name, both in compared.items()
        }
    )
    moved = sorted((name for name in effects if effects[name] > limits[name]), key=lambda name: -effects[name])
    worst = max(effects, key=lambda name: effects[name] - limits[name])
    word = "psi" if spec.method == "auto" else spec.method
    said = ", ".join(f"{name!r} ({word} {effects[name]:.3g}, limit {limits[name]:.3g})" for name in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    steady = (
        f"None of {len(compared)} columns moved; the nearest to its limit is {worst!r} ({word} {effects[worst]:.3g})."
    )
    return Outcome(not moved, f"Moved: {said}{more}." if moved else steady, effects[worst], limits[worst])


def _compared(spec: DriftCheck, table: Table, before: pl.DataFrame) -> dict[str, Comparison]:
    """The columns to judge. Unless named, times are left out (they always move on), and what a method cannot size."""
    names = spec.columns or [name for name in table.schema if name in before and not table.schema[name].is_temporal()]
    if absent := [name for name in names if name not in before]:
        raise Unfit(f"The other version has no column {listed(absent)}.")
    now = table.frame.select(names).collect()
    compared = {name: both for name in names if (both := compare(before[name], now[name]))}
    if spec.columns and len(compared) < len(names):
        raise Unfit(f"Without values or of another type in one of the versions: {listed(set(names) - set(compared))}.")
    if spec.method in ("ks", "wasserstein"):
        categories = [name for name, both in compared.items() if both.numbers is None]
        if spec.columns and categories:
            raise Unfit(f"{spec.method} needs numbers, and these are categories: {listed(categories)}.")
        return {name: both for name, both in compared.items() if both.numbers}
    return compared


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
