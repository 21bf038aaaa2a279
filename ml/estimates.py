"""How sure a measured figure is: standard errors of metrics and of gaps, intervals of shares.

A metric's influence on each row is its derivative by that row's weight; the mean of its square over n is the variance
of the metric (the infinitesimal jackknife: Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982). For
AUC these are the placements of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import rankdata

from domain.registry.specs import Label
from ml.metrics import Metric
from ml.models import Predictions

Floats = NDArray[np.float64]
CONFIDENCE: Final = 0.95
Z: Final = float(special.ndtri(0.5 + CONFIDENCE / 2))
_STEP: Final = 1e-5


def gradient(metric: Metric, means: Floats, scale: Floats) -> Floats:
    """The derivative of `metric.combine` at `means` [..., m] by each mean; `scale` [m] is a natural step of each."""
    slopes = []
    for position, step in enumerate(np.where(scale > 0, scale, 1.0) * _STEP):
        shift = np.zeros(means.shape[-1])
        shift[position] = step
        # Half a step below a root of zero is no number: such a metric is exact, and its slope counts as none.
        with np.errstate(invalid="ignore"):
            slopes.append((metric.combine(means + shift) - metric.combine(means - shift)) / (2 * step))
    found: Floats = np.nan_to_num(np.stack(slopes, axis=-1))
    return found


def influence(metric: Metric, y: Sequence[Label], predictions: Predictions) -> Floats | None:
    """Each row's influence on the metric, of mean zero; None where the rows cannot tell.

    That is a metric of all rows together that is not AUC, and F1 where a class is never answered right: the share that
    could be is unknown then, and would count as known to be zero.
    """
    if metric.components is not None:
        parts = metric.components(y, predictions)
        right, either = np.split(parts.sum(axis=0), 2) if metric.name == "f1" else (np.ones(1), np.zeros(1))
        if ((right == 0) & (either > 0)).any():
            return None
        centred: Floats = parts - parts.mean(axis=0)
        slopes = gradient(metric, parts.mean(axis=0), parts.std(axis=0))
        found: Floats = centred @ slopes
        return found
    return _auc_influence(y, predictions) if metric.name == "auc" and predictions.probabilities is not None else None


def _auc_influence(y: Sequence[Label], predictions: Predictions) -> Floats:
    """Of the area by ranks; for more than two classes of the mean of one against the rest, as the metric is."""
    table = predictions.probabilities if predictions.probabilities is not None else np.zeros((len(y), 2))
    columns = [1] if table.shape[1] == 2 else range(table.shape[1])
    found = []
    for column in columns:
        label = predictions.classes[column]
        positive = np.fromiter((one == label for one in y), dtype=np.bool_, count=len(y))
        ours, others = int(positive.sum()), int((~positive).sum())
        scores = table[:, column]
        rows = np.empty(len(y))
        # Share of the other class on the right side of each row: its rank among all less its rank among its own.
        ranks = rankdata(scores)
        rows[positive] = (ranks[positive] - rankdata(scores[positive])) / others
        rows[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / ours
        area = rows[positive].mean()
        found.append((rows - area) * len(y) / np.where(positive, ours, others))
    mean: Floats = np.mean(found, axis=0)
    return mean


def standard_error(influences: Floats) -> float:
    return float(np.sqrt(np.mean(influences**2) / len(influences)))


def interval(metric: Metric, y: Sequence[Label], predictions: Predictions, value: float) -> tuple[float, float] | None:
    """The 95 % interval of a metric that is `value`: Wilson's for accuracy, else by its standard error."""
    if metric.name == "accuracy":
        return wilson(round(value * len(y)), len(y))
    influences = influence(metric, y, predictions)
    if influences is None:
        return None
    reach = Z * standard_error(influences)
    return value - reach, value + reach


def wilson(hits: int, rows: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share (Wilson, JASA 22, 1927): sound for few rows, and inside 0..1."""
    share = hits / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


def newcombe(first: tuple[int, int], second: tuple[int, int], z: float = Z) -> tuple[float, float]:
    """The interval of a share less another, each (hits, rows): method 10 of Newcombe (Stat. Med. 17, 1998)."""
    one, other = first[0] / first[1], second[0] / second[1]
    low_one, high_one = wilson(*first, z)
    low_other, high_other = wilson(*second, z)
    gap = one - other
    below = np.hypot(one - low_one, high_other - other)
    above = np.hypot(high_one - one, other - low_other)
    return float(gap - below), float(gap + above)
