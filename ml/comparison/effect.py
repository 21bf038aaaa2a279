"""What every paired test is asked, and what it answers: an effect with its bounds, beside one bar.

The effect is the improvement as a share of the champion's value. Superiority and non-inferiority are the same
question with another bar: effect > the minimum effect, or effect > minus the margin.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.model_checks.specs import LARGEST_EFFECT

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
_SMALLEST_VALUE: Final = 1e-300


@dataclass(frozen=True)
class Question:
    """Is the effect above `bar`? Asked one-sided at `alpha`."""

    bar: float
    alpha: float
    higher_is_better: bool


@dataclass(frozen=True)
class Finding:
    """`p` is for effect <= bar, `p_worse` for effect >= bar; `low` and `high` are one-sided bounds at 1 - alpha each.

    `p <= alpha` exactly when `low` is at or above the bar. The bounds of the difference are in the metric's unit,
    positive when the challenger is better. `error` is the standard error of the effect, for the power.
    """

    p: float
    p_worse: float
    low: float
    high: float
    difference_low: float
    difference_high: float
    error: float
    method: str

    def told(self, alpha: float) -> bool:
        """Is the effect told from the bar, above it or below?"""
        return min(self.p, self.p_worse) <= alpha


def improvement(champion: Floats, challenger: Floats, *, higher_is_better: bool) -> Floats:
    """(champion - challenger) / |champion| for losses, the other way round for scores; bounded."""
    gained = gain(champion, challenger, higher_is_better=higher_is_better)
    with np.errstate(over="ignore"):  # bounded below
        share: Floats = gained / np.maximum(np.abs(champion), _SMALLEST_VALUE)
    return np.clip(np.where(gained == 0, 0.0, share), -LARGEST_EFFECT, LARGEST_EFFECT)


def gain(champion: Floats, challenger: Floats, *, higher_is_better: bool) -> Floats:
    """How much better the challenger is, in the unit of the metric."""
    return challenger - champion if higher_is_better else champion - challenger


def unvarying(effect: float, difference: float, question: Question, units: int, method: str) -> Finding:
    """The finding when no row says anything else than all the others: the sign test, whose p is 2^-rows.

    The bounds are the effect itself once so many rows are too many for chance, and without limit before.
    """
    chance = 0.5**units
    distance = effect - question.bar
    if abs(distance) <= 1e-12 * (1 + abs(question.bar)):
        p = p_worse = 1.0
    else:
        p = chance if distance > 0 else 1 - chance
        p_worse = 1 - p
    if chance <= question.alpha:
        return Finding(p, p_worse, effect, effect, difference, difference, 0.0, method)
    limit = LARGEST_EFFECT
    return Finding(p, p_worse, -limit, limit, -limit, limit, 0.0, method)
