"""McNemar's test for shares of right answers, and score tests where the bar is not zero.

Sources: the mid-p test, exact however few rows differ, Fagerland, Lydersen and Laake, BMC Medical Research Methodology
13:91 (2013); the ratio of paired shares, Tang, Tang and Chan, Statistics in Medicine 22:1217 (2003), after Nam and
Blackwelder; their difference, Tango, Statistics in Medicine 17:891 (1998).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from domain.model_checks.specs import LARGEST_EFFECT
from ml.comparison.effect import Finding, Question

_HALVINGS: Final = 200
_NEXT_TO_ZERO: Final = 1e-12


@dataclass(frozen=True)
class Pairs:
    """How many rows both got right, only the challenger (`won`), only the champion (`lost`), of `rows`."""

    both: int
    won: int
    lost: int
    rows: int


def count_pairs(champion_right: NDArray[np.bool_], challenger_right: NDArray[np.bool_]) -> Pairs:
    return Pairs(
        int((champion_right & challenger_right).sum()),
        int((challenger_right & ~champion_right).sum()),
        int((champion_right & ~challenger_right).sum()),
        len(champion_right),
    )


def mcnemar(pairs: Pairs, question: Question) -> Finding:
    """Mid-p for a bar of zero, else the score test; bounds by inverting the score tests.

    Where the bound and the mid-p disagree about zero, by a hair, the bound is moved to the side of the mid-p.
    """
    quantile = float(norm.isf(question.alpha))
    score, deviation = ratio_score(pairs, 1 + question.bar)
    ratios = [
        _crossing(lambda ratio: ratio_score(pairs, ratio)[0], level, 0.0, 1 + LARGEST_EFFECT)
        for level in (quantile, -quantile)
    ]
    differences = [
        _crossing(lambda delta: difference_score(pairs, delta), level, -1.0, 1.0) for level in (quantile, -quantile)
    ]
    bounds = [(ratios[0] - 1, ratios[1] - 1), (differences[0], differences[1])]
    p, p_worse = float(norm.sf(score)), float(norm.cdf(score))
    method = "score test of paired shares (Tang, Tang and Chan)"
    if question.bar == 0:
        p, p_worse = mid_p(pairs.won, pairs.lost), mid_p(pairs.lost, pairs.won)
        method = "McNemar mid-p; bounds by the score test of paired shares"
        bounds = [_agreeing(*pair, better=p <= question.alpha, worse=p_worse <= question.alpha) for pair in bounds]
    champion_right = pairs.both + pairs.lost
    return Finding(
        p=p,
        p_worse=p_worse,
        low=bounds[0][0],
        high=bounds[0][1],
        difference_low=bounds[1][0],
        difference_high=bounds[1][1],
        error=deviation / champion_right if champion_right else math.inf,
        method=method,
    )


def _agreeing(low: float, high: float, *, better: bool, worse: bool) -> tuple[float, float]:
    """The bounds on the side of zero that the exact test has told."""
    low = max(low, _NEXT_TO_ZERO) if better else min(low, 0.0)
    high = min(high, -_NEXT_TO_ZERO) if worse else max(high, 0.0)
    return low, high


def mid_p(won: int, lost: int) -> float:
    """One-sided mid-p that the challenger is right more often where exactly one of the two is right."""
    if won + lost == 0:
        return 1.0
    return float(binom.sf(won, won + lost, 0.5) + 0.5 * binom.pmf(won, won + lost, 0.5))


def ratio_score(pairs: Pairs, ratio: float) -> tuple[float, float]:
    """Score statistic for "share right of the challenger = `ratio` x the champion's", and the deviation under it.

    The deviation is that of the numerator, in rows, at the likeliest shares for which the hypothesis holds.
    """
    n, champion, challenger = pairs.rows, pairs.both + pairs.lost, pairs.both + pairs.won
    some = pairs.both + pairs.won + pairs.lost
    a = n * (1 + ratio)
    b = champion * ratio**2 - challenger - 2 * pairs.lost
    c = pairs.lost * (1 - ratio) * some / n
    lost = (-b + math.sqrt(max(b**2 - 4 * a * c, 0.0))) / (2 * a)
    variance = n * ((1 + ratio) * lost - (1 - ratio) * some / n)
    return _standardised(challenger - ratio * champion, variance)


def difference_score(pairs: Pairs, delta: float) -> float:
    """Score statistic for "share right of the challenger = the champion's + `delta`"."""
    n, won, lost = pairs.rows, pairs.won, pairs.lost
    b = -won - lost + (2 * n - won + lost) * delta
    c = -lost * delta * (1 - delta)
    share = (math.sqrt(max(b**2 - 8 * n * c, 0.0)) - b) / (4 * n)
    return _standardised(won - lost - n * delta, n * (2 * share + delta * (1 - delta)))[0]


def _standardised(distance: float, variance: float) -> tuple[float, float]:
    if variance > 1e-12:
        deviation = math.sqrt(variance)
        return distance / deviation, deviation
    return (0.0 if abs(distance) < 1e-9 else math.copysign(math.inf, distance)), 0.0


def _crossing(score: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Where the falling `score` comes down to `level`, by bisection; an end of the range when it does not."""
    if score(high) > level:
        return high
    # A few doublings first: the range of a ratio is large, and its answer near 1.
    width = 1.0
    while low + width < high and score(low + width) > level:
        width *= 2
    high = min(high, low + width)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if score(middle) > level else (low, middle)
    return low if level > 0 else high
