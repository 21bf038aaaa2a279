"""The area under the ROC curve, row by row and under weights: what DeLong's test and the bootstrap need of it.

With more than two classes the area is the mean of one against the rest, as in `ml.metrics`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from domain.registry.specs import Label
from ml.comparison.effect import Floats, Rows
from ml.comparison.inputs import NothingToCompare
from ml.metrics import CannotScore
from ml.models import Predictions

_CELLS_PER_CHUNK: Final = 1_000_000


def placements(y: Sequence[Label], predictions: Predictions) -> Floats:
    """What each row adds to the area, less its mean, [rows]: the sum of squares is DeLong's variance of the area.

    By ranks: Sun and Xu, IEEE Signal Processing Letters 21:1389 (2014). The parts of a row in the areas of all classes
    are averaged, so that the covariances of those areas are in. Raises `NothingToCompare` unless two rows are of each
    class and two are not.
    """
    parts: Floats = np.mean([_placements(*one) for one in _by_class(y, predictions)], axis=0)
    return parts


def weighted_area(y: Sequence[Label], predictions: Predictions, unit_of: Rows) -> Callable[[Floats], Floats]:
    """The area [resamples] as a function of the weights [resamples, units] of the units that rows belong to."""
    classes = [_sorted(positive, scores, unit_of) for positive, scores in _by_class(y, predictions)]
    chunk = max(1, _CELLS_PER_CHUNK // len(y))

    def area(weights: Floats) -> Floats:
        starts = range(0, len(weights), chunk)
        return np.concatenate(
            [np.mean([one(weights[start : start + chunk]) for one in classes], axis=0) for start in starts]
        )

    return area


def _by_class(y: Sequence[Label], predictions: Predictions) -> Iterator[tuple[NDArray[np.bool_], Floats]]:
    """Is each row of the class, and its score, for every class that has an area; the second one alone of two."""
    if predictions.probabilities is None:
        raise CannotScore("The model gives no probabilities.", where="metric", fix="Use accuracy or f1.")
    index = {label: position for position, label in enumerate(predictions.classes)}
    found = np.fromiter((index.get(label, -1) for label in y), dtype=np.int64, count=len(y))
    classes = predictions.probabilities.shape[1]
    for column in [1] if classes == 2 else range(classes):
        yield found == column, predictions.probabilities[:, column]


def _placements(positive: NDArray[np.bool_], scores: Floats) -> Floats:
    ours, others = int(positive.sum()), int((~positive).sum())
    if min(ours, others) < 2:
        raise NothingToCompare("An area under the ROC curve needs two rows of each class at least.", where="rows")
    ranks = rankdata(scores)
    # The share of the other group that a row stands above (positives) or below (negatives).
    above = (ranks[positive] - rankdata(scores[positive])) / others
    below = 1 - (ranks[~positive] - rankdata(scores[~positive])) / ours
    parts = np.empty(len(scores))
    parts[positive] = (above - above.mean()) / math.sqrt(ours * (ours - 1))
    parts[~positive] = (below - below.mean()) / math.sqrt(others * (others - 1))
    return parts


def _sorted(positive: NDArray[np.bool_], scores: Floats, unit_of: Rows) -> Callable[[Floats], Floats]:
    order = np.argsort(scores, kind="stable")
    units, ours = unit_of[order], positive[order].astype(np.float64)
    ties = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))

    def area(weights: Floats) -> Floats:
        rows = weights[:, units]
        positives = rows * ours
        negatives = rows - positives
        if len(ties) < len(order):
            positives, negatives = (np.add.reduceat(part, ties, axis=1) for part in (positives, negatives))
        below = np.cumsum(negatives, axis=1)
        pairs = positives.sum(axis=1) * below[:, -1]
        won = (positives * (below - negatives / 2)).sum(axis=1)
        found: Floats = np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
        return found

    return area
