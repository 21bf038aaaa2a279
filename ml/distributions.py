"""What the reference and a window look like beside each other, to be drawn: few bins of numbers, few levels.

Bins are for eyes: equal in width over both sides. What counts as drift is measured elsewhere, see `ml.divergence`.
"""

from typing import Final

import numpy as np
import polars as pl

from domain.monitoring.specs import Distribution
from ml.divergence import Floats
from ml.drift import kind_of, level_values, same_type, sorted_numbers

INNER_BINS: Final = 18
"""Between the first and the last percentile of both sides; what lies beyond has a bin on each side."""
LEVELS: Final = 20
_LONGEST_LABEL: Final = 100


def distributions(reference: pl.DataFrame, window: pl.DataFrame) -> list[Distribution]:
    """Each column of `reference` with values on both sides, in its order; times are left out, as they always move."""
    found = (
        _distribution(column, window[column.name])
        for column in reference
        if column.name in window.columns
        and not column.dtype.is_temporal()
        and same_type(column.dtype, window[column.name].dtype)
    )
    return [one for one in found if one is not None]


def _distribution(reference: pl.Series, window: pl.Series) -> Distribution | None:
    if kind_of(reference) == "number":
        return _numbers(reference.name, sorted_numbers(reference), sorted_numbers(window))
    return _levels(reference.name, level_values(reference), level_values(window))


def _numbers(name: str, reference: Floats, window: Floats) -> Distribution | None:
    """Bins `low <= x < high`, the outer ones open."""
    if not len(reference) or not len(window):
        return None
    ends = [np.quantile(side, [0.01, 0.99]) for side in (reference, window)]
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    # By halves: the width of all numbers there are is not a number any more.
    edges = np.unique(np.linspace(low / 2, high / 2, INNER_BINS + 1) * 2)
    if len(edges) == 1:
        edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
    shares = [
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1) / len(side)
        for side in (reference, window)
    ]
    return Distribution(
        name=name, kind="number", edges=edges.tolist(), reference=_rounded(shares[0]), window=_rounded(shares[1])
    )


def _levels(name: str, reference: pl.Series, window: pl.Series) -> Distribution | None:
    if reference.is_empty() or window.is_empty():
        return None
    # Both sides as one type: JSON does not tell 1 from 1.0, and an enumeration is no text.
    sides = [side.cast(pl.Float64 if reference.dtype.is_numeric() else pl.String) for side in (reference, window)]
    counts = [dict(side.value_counts().iter_rows()) for side in sides]
    shares = [
        {level: times / len(side) for level, times in each.items()} for each, side in zip(counts, sides, strict=True)
    ]
    weights = {level: shares[0].get(level, 0.0) + shares[1].get(level, 0.0) for level in shares[0] | shares[1]}
    top = sorted(weights, key=lambda level: (-weights[level], str(level)))[:LEVELS]
    told = [[each.get(level, 0.0) for level in top] for each in shares]
    return Distribution(
        name=name,
        kind="category",
        labels=[_label(level) for level in top],
        reference=_rounded([*told[0], max(0.0, 1 - sum(told[0]))]),
        window=_rounded([*told[1], max(0.0, 1 - sum(told[1]))]),
    )


def _label(level: float | str) -> str:
    return f"{level:g}" if isinstance(level, float) else level[:_LONGEST_LABEL]


def _rounded(shares: "list[float] | Floats") -> list[float]:
    """Six digits are more than a screen has."""
    return [round(float(share), 6) for share in shares]
