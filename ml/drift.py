"""Has a window of traffic moved away from the reference, and is that drift or broken data?

Monitoring runs `drift` on closed windows; the drift check and version diffs use `compare` for one column.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import polars as pl

from domain.monitoring.specs import BROKEN_BY_NULLS, DriftResult, DriftTest, FeatureDrift, MonitorPolicy
from ml.divergence import (
    Counts,
    Floats,
    Kind,
    benjamini_hochberg,
    bin_levels,
    bin_numbers,
    chi2,
    js,
    kl,
    ks,
    psi,
    psi_null,
)
from ml.frames import column_type

CATEGORY_LEVELS = 20
"""Integers with no more distinct values than this in the reference are codes, not amounts."""
MIN_STUCK_ROWS = 10


@dataclass(frozen=True)
class Comparison:
    """One column on both sides, nulls (and NaN and infinities) left out."""

    kind: Kind
    n_reference: int
    n: int
    counts: Counts
    numbers: tuple[Floats, Floats] | None
    """Sorted values of both sides, for numbers."""

    @cached_property
    def psi(self) -> float:
        return psi(*self.counts.floored)

    @cached_property
    def js(self) -> float:
        return js(*self.counts.shares)

    @cached_property
    def kl(self) -> float:
        return kl(*self.counts.floored)

    def test(self) -> tuple[DriftTest, float, float]:
        """The name of the test, its statistic and its p-value: KS for numbers, chi-square for categories."""
        if self.numbers:
            return "ks", *ks(*self.numbers)
        return "chi2", *chi2(self.counts)

    def psi_threshold(self, max_effect: float, alpha: float) -> float:
        """The PSI that counts: one that matters, and that chance shows with less than probability `alpha` at this n."""
        return max(max_effect, psi_null(self.n_reference, self.n, self.counts.bins, alpha))


def compare(reference: pl.Series, window: pl.Series) -> Comparison | None:
    """Both sides of a column; `None` where their types differ or one side holds no values."""
    if not same_type(reference.dtype, window.dtype):
        return None
    if kind_of(reference) == "number":
        return compare_numbers(sorted_numbers(reference), sorted_numbers(window))
    values = level_values(reference), level_values(window)
    n_reference, n = len(values[0]), len(values[1])
    return Comparison("category", n_reference, n, _bin_levels(*values), None) if n_reference and n else None


def compare_numbers(reference: Floats, window: Floats) -> Comparison | None:
    """Both sides given as `sorted_numbers`; `None` where one is empty."""
    n_reference, n = len(reference), len(window)
    if not n_reference or not n:
        return None
    return Comparison("number", n_reference, n, bin_numbers(reference, window), (reference, window))


def compare_levels(reference: Mapping[Hashable, int], window: Mapping[Hashable, int]) -> Comparison | None:
    """Both sides given as `levels`; `None` where one is empty."""
    n_reference, n = sum(reference.values()), sum(window.values())
    if not n_reference or not n:
        return None
    return Comparison("category", n_reference, n, bin_levels(reference, window), None)


def kind_of(reference: pl.Series) -> Kind:
    """Text, booleans and integers of few values are categories; other numbers and times are numbers."""
    return kind_of_type(reference.dtype, lambda: reference.drop_nulls().n_unique())


def kind_of_type(dtype: pl.DataType, distinct: Callable[[], int]) -> Kind:
    """`kind_of` a column of this type; `distinct` values (nulls not counted) are asked for only of integers."""
    if dtype in (pl.String, pl.Boolean):
        return "category"
    return "category" if dtype.is_integer() and distinct() <= CATEGORY_LEVELS else "number"


def same_type(reference: pl.DataType, window: pl.DataType) -> bool:
    """Integers and floats are one type here: JSON does not tell 1 from 1.0."""
    if reference.is_numeric() and window.is_numeric():
        return True
    return column_type(reference) == column_type(window)


def sorted_numbers(column: pl.Series) -> Floats:
    """The finite values of a column of numbers or times, ascending."""
    values = column.drop_nulls().cast(pl.Int64) if column.dtype.is_temporal() else column.drop_nulls()
    values = values.cast(pl.Float64)
    return values.filter(values.is_finite()).sort().to_numpy()


def levels(tally: Iterable[tuple[Any, int]]) -> dict[Hashable, int]:
    """Rows per level, without nulls, NaN and infinities; numbers as floats, so that 1 and 1.0 are one level."""
    counted: dict[Hashable, int] = {}
    for value, rows in tally:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        level = float(value) if number else value
        if level is not None and not (number and not isfinite(level)):
            counted[level] = counted.get(level, 0) + rows
    return counted


def missing(column: pl.Series) -> int:
    """Rows without a value: null, and for floats also NaN and infinities."""
    return len(column) - int(column.is_finite().sum()) if column.dtype.is_float() else column.null_count()


def drift(reference: pl.DataFrame, window: pl.DataFrame, *, policy: MonitorPolicy) -> DriftResult:
    """Each column of `reference` against the same column of `window`, the worst first; other columns are ignored.

    Drifted = a PSI that matters (`policy.max_effect`) and that chance would not show in any feature of a quiet window
    (the null's quantile at this n, Bonferroni over the features), and a test that rejects at the false discovery rate.
    Broken = missing, of another type, too many nulls, or a number stuck on a value that is not the usual one; broken
    is never drifted. Times are watched for breaking only: they always move on.
    """
    broken = {column.name: why for column in reference if (why := _broken(column, window, policy))}
    watched = [column for column in reference if column.name not in broken and not column.dtype.is_temporal()]
    compared = {column.name: compare(column, window[column.name]) for column in watched}
    tests = {name: both.test() for name, both in compared.items() if both}
    q_values = dict(zip(tests, benjamini_hochberg([p_value for _, _, p_value in tests.values()]), strict=True))
    alpha = policy.false_discovery / max(1, len(tests))
    features = [_silent(column, window, broken[column.name]) for column in reference if column.name in broken]
    for column in watched:
        name, both = column.name, compared[column.name]
        if both is None:
            features.append(_silent(column, window, None))
            continue
        threshold = both.psi_threshold(policy.max_effect, alpha)
        test, statistic, p_value = tests[name]
        measured = {
            "kind": both.kind,
            "n_reference": both.n_reference,
            "n": both.n,
            "psi": both.psi,
            "js": both.js,
            "kl": both.kl,
            "test": test,
            "statistic": statistic,
            "p_value": p_value,
            "q_value": q_values[name],
            "threshold": threshold,
            "bins": both.counts.bins,
            "drifted": both.psi > threshold and q_values[name] <= policy.false_discovery,
        }
        features.append(_silent(column, window, None).model_copy(update=measured))
    features.sort(key=lambda feature: (not feature.broken, not feature.drifted, -feature.psi, feature.name))
    return DriftResult(
        rows=window.height,
        features=features,
        drifted=[feature.name for feature in features if feature.drifted],
        broken=[feature.name for feature in features if feature.broken],
    )


def _broken(reference: pl.Series, window: pl.DataFrame, policy: MonitorPolicy) -> str | None:
    """Why the window's column cannot be trusted, in words; `None` when it can."""
    if window.is_empty():
        return None
    if reference.name not in window.columns:
        return "missing"
    column = window[reference.name]
    share, share_before = missing(column) / len(column), missing(reference) / max(1, len(reference))
    if share > policy.max_null_share and share > 2 * share_before:
        return f"{BROKEN_BY_NULLS} {share:.1%} of the rows ({share_before:.1%} in the reference)"
    if share == 1:
        return None
    if not same_type(reference.dtype, column.dtype):
        return f"{column_type(column.dtype)} instead of {column_type(reference.dtype)}"
    return _stuck(reference, column)


def _stuck(reference: pl.Series, window: pl.Series) -> str | None:
    """A dead sensor repeats one number.

    Codes may well be constant in a window (one season), and so may a number that has the same value in half of the
    reference (no rain).
    """
    if kind_of(reference) != "number" or reference.dtype.is_temporal():
        return None
    values, before = sorted_numbers(window), sorted_numbers(reference)
    if len(values) < MIN_STUCK_ROWS or values[0] != values[-1]:
        return None
    usual = float(np.mean(before == values[0])) if len(before) else 1.0
    return None if usual >= 0.5 else f"stuck on {values[0]:g}"


def _silent(reference: pl.Series, window: pl.DataFrame, reason: str | None) -> FeatureDrift:
    """A feature about which no divergence can be said: broken, or without values on one side."""
    column = window.get_column(reference.name, default=pl.Series(reference.name, [None] * window.height))
    kind = kind_of(reference)
    return FeatureDrift(
        name=reference.name,
        kind=kind,
        n_reference=len(reference) - missing(reference),
        n=len(column) - missing(column),
        psi=0.0,
        js=0.0,
        kl=0.0,
        test="ks" if kind == "number" else "chi2",
        statistic=0.0,
        p_value=1.0,
        q_value=1.0,
        threshold=0.0,
        null_share=missing(column) / max(1, len(column)),
        null_share_reference=missing(reference) / max(1, len(reference)),
        drifted=False,
        broken=reason is not None,
        reason=reason,
    )


def level_values(column: pl.Series) -> pl.Series:
    """The values that are levels; numbers as floats, so that 1 and 1.0 are one level."""
    values = column.drop_nulls()
    if values.dtype.is_numeric():
        values = values.cast(pl.Float64)
        values = values.filter(values.is_finite())
    return values


def _bin_levels(reference: pl.Series, window: pl.Series) -> Counts:
    """Bins of the levels. Those the reference saw once are only counted: of free text they may be millions."""
    counted = reference.value_counts(name="rows")
    known = counted.filter(counted["rows"] > 1)
    levels = known.to_series(0)
    seen = window.filter(window.is_in(levels.implode())).value_counts(name="rows")
    return bin_levels(
        dict(zip(levels, known["rows"], strict=True)),
        dict(zip(seen.to_series(0), seen["rows"], strict=True)),
        once=counted.height - known.height,
        others=len(window) - int(seen["rows"].sum()),
    )
