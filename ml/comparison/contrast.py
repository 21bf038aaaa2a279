"""The test of an effect from two estimates and their covariance: a linear contrast, and its bounds by Fieller.

"The effect is above m" says (1 - m) x champion - challenger > 0 for a loss, and challenger - (1 + m) x champion > 0 for
a score. No ratio is taken, so a small value of the champion does no harm. Source: Fieller, Some problems in interval
estimation, Journal of the Royal Statistical Society B 16:175 (1954). Used by DeLong and Diebold-Mariano.
"""

import math

import numpy as np
from scipy.stats import t as student

from domain.model_checks.specs import LARGEST_EFFECT
from ml.comparison.effect import Finding, Floats, Question, unvarying

_SMALLEST_VARIANCE = 1e-24


def told_by_contrast(
    values: Floats,
    covariance: Floats,
    question: Question,
    *,
    rows: int,
    method: str,
    degrees: float = math.inf,
    root: bool = False,
) -> Finding:
    """The finding for the champion's and the challenger's `values` [2] and the `covariance` [2, 2] of their estimates.

    With `root` the values are means whose square root is the metric (rmse): the effect is tested on the mean squares,
    which is the same question. Where the champion's value cannot be told from zero a share of it has no bounds, and
    the p-value is at least that of "the champion's value is zero".
    """
    champion, challenger = float(values[0]), float(values[1])
    sign = 1.0 if question.higher_is_better else -1.0
    factor = 1.0 + sign * question.bar
    if root:
        factor = factor**2 if factor > 0 else 0.0
    variance = _variance(factor, covariance)
    distance = sign * (challenger - factor * champion)
    difference, difference_error = _difference(champion, challenger, covariance, root=root)
    if variance <= _SMALLEST_VARIANCE * max(champion**2, challenger**2):
        effect = (
            _effect(challenger / champion, sign, root=root) if champion else math.copysign(LARGEST_EFFECT, distance)
        )
        effect = 0.0 if champion == challenger else effect
        return unvarying(effect, sign * difference, question, rows, method)
    statistic = distance / math.sqrt(variance)
    quantile = float(student.isf(question.alpha, degrees))
    from_zero = champion / math.sqrt(covariance[0, 0]) if covariance[0, 0] > 0 else math.inf
    low, high = _bounds(champion, challenger, covariance, quantile)
    ends = sorted(_effect(ratio, sign, root=root) for ratio in (low, high))
    scale = max(champion, 1e-300)
    return Finding(
        p=float(student.sf(min(statistic, from_zero), degrees)),
        p_worse=float(student.cdf(statistic, degrees)),
        low=max(ends[0], -LARGEST_EFFECT),
        high=min(ends[1], LARGEST_EFFECT),
        difference_low=sign * difference - quantile * difference_error,
        difference_high=sign * difference + quantile * difference_error,
        error=math.sqrt(variance) / scale / (2 * math.sqrt(factor) if root and factor > 0 else 1.0),
        method=method,
    )


def _variance(factor: float, covariance: Floats) -> float:
    weights = np.array([factor, -1.0])
    return float(weights @ covariance @ weights)


def _difference(champion: float, challenger: float, covariance: Floats, *, root: bool) -> tuple[float, float]:
    """Challenger - champion in the unit of the metric, and its standard error (delta method for a root)."""
    if not root:
        return challenger - champion, math.sqrt(max(_variance(1.0, covariance), 0.0))
    roots = np.sqrt([champion, challenger])
    slopes = np.divide([-0.5, 0.5], roots, out=np.zeros(2), where=roots > 0)
    return float(roots[1] - roots[0]), math.sqrt(max(float(slopes @ covariance @ slopes), 0.0))


def _effect(ratio: float, sign: float, *, root: bool) -> float:
    if root:
        ratio = math.sqrt(max(ratio, 0.0))
    return sign * (ratio - 1.0)


def _bounds(champion: float, challenger: float, covariance: Floats, quantile: float) -> tuple[float, float]:
    """The ratios challenger / champion that are not refused: between the roots of Fieller's quadratic."""
    (first, both), (_, second) = covariance.tolist()
    a = champion**2 - quantile**2 * first
    b = champion * challenger - quantile**2 * both
    c = challenger**2 - quantile**2 * second
    if a <= 0:
        return -math.inf, math.inf
    width = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - width) / a, (b + width) / a
