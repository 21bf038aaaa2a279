"""Two models of one spec on the same rows: how far apart their answers are. Called by the handler of reproductions."""

import numpy as np

from domain.reproductions.specs import PredictionDifference
from ml.models import Predictions


def compare_predictions(first: Predictions, again: Predictions, *, spread: float) -> PredictionDifference:
    """Row by row. `spread` is the standard deviation of the target, the unit of differences between numbers.

    Labels of models without probabilities are 0 or 1 apart. Models with other classes are as far apart as can be.
    """
    rows = len(first.values)
    if first.probabilities is None and not isinstance(first.values[0], str | bool) and not first.classes:
        one, other = (np.array(answers.values, dtype=np.float64) for answers in (first, again))
        apart = np.abs(one - other) / (spread or 1.0)
        # NaN in both is the same answer; in one of them it is as far away as can be.
        apart = np.where(np.isnan(one) & np.isnan(other), 0.0, np.nan_to_num(apart, nan=np.inf))
        return PredictionDifference(
            rows=rows, largest=_finite(apart.max()), differing=int(np.count_nonzero(apart)), same_label=None
        )
    same = np.array([one == other for one, other in zip(first.values, again.values, strict=True)])
    if first.probabilities is None or again.probabilities is None or list(first.classes) != list(again.classes):
        apart = np.where(same, 0.0, 1.0)
    else:
        apart = np.abs(first.probabilities - again.probabilities).max(axis=1)
    return PredictionDifference(
        rows=rows,
        largest=_finite(apart.max()),
        differing=int(np.count_nonzero((apart != 0) | ~same)),
        same_label=float(same.mean()),
    )


def _finite(value: float) -> float:
    """Infinity, which JSON does not have, as the largest number."""
    return float(min(value, np.finfo(np.float64).max))
