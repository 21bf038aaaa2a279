"""How far two samples of one column lie apart: bins, divergences, tests and what chance alone would show.

Pure NumPy, for `ml.drift`, the drift check and version diffs. Bins come from the reference, never from the window,
so that every window of an endpoint is measured with the same ruler.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Kind = Literal["number", "category"]

QUANTILE_BINS = 10
SHARE_FLOOR = 1e-4
MIN_EXPECTED = 5
"""Rows a bin of rare levels should expect in the window: Cochran's rule for chi-square."""


@dataclass(frozen=True)
class Counts:
    """Rows per bin on both sides; bins that are empty on both sides are left out."""

    reference: Floats
    window: Floats

    @property
    def bins(self) -> int:
        return len(self.reference)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        return self.reference / self.reference.sum(), self.window / self.window.sum()

    @property
    def floored(self) -> tuple[Floats, Floats]:
        """The shares, none below 1e-4: an empty bin must not make PSI or KL infinite."""
        reference, window = self.shares
        return np.maximum(reference, SHARE_FLOOR), np.maximum(window, SHARE_FLOOR)


def psi(reference: Floats, window: Floats) -> float:
    """Population stability index of two arrays of (floored) shares; above about 5 it only says "almost disjoint"."""
    return float(np.sum((window - reference) * np.log(window / reference)))


def kl(reference: Floats, window: Floats) -> float:
    """Kullback-Leibler divergence of the window from the reference, in nats."""
    return float(max(0.0, np.sum(window * np.log(window / reference))))


def js(reference: Floats, window: Floats) -> float:
    """Jensen-Shannon divergence in bits: 0 for equal shares, 1 for disjoint ones (Lin 1991); zeros need no floor."""
    middle = (reference + window) / 2
    nats = np.sum(special.rel_entr(reference, middle) + special.rel_entr(window, middle)) / 2
    return float(np.clip(nats / np.log(2), 0.0, 1.0))


def psi_null(n_reference: int, n: int, bins: int, alpha: float) -> float:
    """The PSI that chance alone exceeds with probability `alpha` when nothing has moved.

    Under the null PSI is distributed as (1/n_reference + 1/n) times a chi-square with bins - 1 degrees of freedom
    (Yurdakul 2018, "Statistical properties of population stability index").
    """
    return float((1 / n_reference + 1 / n) * special.chdtri(max(1, bins - 1), alpha))


def bin_numbers(reference: Floats, window: Floats) -> Counts:
    """Count finite numbers in ten quantile bins `low <= x < high` of the reference, the outer ones open.

    Where the quantiles collapse onto one value (most rows are zero), there are three bins: below, equal, above.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, QUANTILE_BINS + 1)[1:-1]))
    if len(edges) == 1:
        values, times = np.unique(reference, return_counts=True)
        mode = values[np.argmax(times)]
        edges = np.array([mode, np.nextafter(mode, np.inf)])
    counted = [
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1)
        for side in (reference, window)
    ]
    return _occupied(counted[0].astype(float), counted[1].astype(float))


def bin_levels(
    reference: Mapping[Hashable, int], window: Mapping[Hashable, int], *, once: int = 0, others: int = 0
) -> Counts:
    """Bins of levels, each given with its rows; rare levels are pooled until a bin expects five rows of the window.

    Levels the reference saw once share a bin with those it never saw: the share of once-seen levels estimates the
    share of unseen ones (Good 1953). So a new season is drift, and free text that never repeats is not. A caller that
    has counted such levels leaves them out: `once` of the reference, and `others`, the rows of the window that hold
    no level of `reference`.
    """
    once += sum(1 for times in reference.values() if times == 1)
    others += sum(times for level, times in window.items() if reference.get(level, 0) <= 1)
    bins = [(once, others)]
    rows = once + sum(times for times in reference.values() if times > 1)
    rate = (others + sum(times for level, times in window.items() if reference.get(level, 0) > 1)) / max(1, rows)
    expected = float(MIN_EXPECTED)
    known = ((level, times) for level, times in reference.items() if times > 1)
    for level, times in sorted(known, key=lambda item: (-item[1], str(item[0]))):
        if expected >= MIN_EXPECTED:
            bins.append((0, 0))
            expected = 0.0
        bins[-1] = (bins[-1][0] + times, bins[-1][1] + window.get(level, 0))
        expected += times * rate
    counted = np.array(bins, dtype=float)
    return _occupied(counted[:, 0], counted[:, 1])


def ks(reference: Floats, window: Floats) -> tuple[float, float]:
    """Two-sample Kolmogorov-Smirnov statistic and its asymptotic p-value; both arrays sorted, finite, not empty."""
    at = np.concatenate([reference, window])
    gap = np.searchsorted(reference, at, "right") / len(reference) - np.searchsorted(window, at, "right") / len(window)
    statistic = float(np.abs(gap).max())
    effective = len(reference) * len(window) / (len(reference) + len(window))
    return statistic, float(special.kolmogorov(np.sqrt(effective) * statistic))


def chi2(counts: Counts) -> tuple[float, float]:
    """Chi-square statistic of homogeneity and its p-value; bins that expect fewer than five rows are pooled."""
    table = _pooled(np.vstack([counts.reference, counts.window]))
    if table.shape[1] < 2:
        return 0.0, 1.0
    statistic, p_value, _, _ = stats.chi2_contingency(table, correction=False)
    return float(statistic), float(p_value)


def wasserstein(reference: Floats, window: Floats) -> float:
    """Earth mover's distance in standard deviations of the reference (1 where the reference is constant)."""
    return float(stats.wasserstein_distance(reference, window)) / _scale(reference)


def wasserstein_null(reference: Floats, n: int, alpha: float) -> float:
    """A bound on the `wasserstein` distance chance alone exceeds with probability `alpha`; `reference` sorted.

    The distance is the area between two distribution functions whose gap at x has the standard error
    sqrt(F(1 - F) (1/n_reference + 1/n)) (del Barrio, Gine and Matran 1999); all gaps are taken at their quantile.
    """
    below = np.arange(1, len(reference)) / len(reference)
    area = float(np.sum(np.diff(reference) * np.sqrt(below * (1 - below)))) / _scale(reference)
    return float(special.ndtri(1 - alpha / 2) * np.sqrt(1 / len(reference) + 1 / n)) * area


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """q-values: the smallest false discovery rate at which each hypothesis is rejected (Benjamini, Hochberg 1995)."""
    if not p_values:
        return []
    return [float(q) for q in stats.false_discovery_control(p_values, method="bh")]


def _scale(reference: Floats) -> float:
    return float(reference.std()) or 1.0


def _occupied(reference: Floats, window: Floats) -> Counts:
    kept = (reference + window) > 0
    return Counts(reference[kept], window[kept])


def _pooled(table: Floats) -> Floats:
    """Columns of a 2 x k table merged, the rarest first, until each expects five rows in the smaller sample."""
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    expected = table.sum(axis=0) * table.sum(axis=1).min() / table.sum()
    rare = int(np.searchsorted(np.cumsum(expected), MIN_EXPECTED)) + 1
    return np.hstack([table[:, :rare].sum(axis=1, keepdims=True), table[:, rare:]])
