"""How sure one metric on one set of rows is: a bootstrap interval, for comparisons across data.

Source: the percentile bootstrap, Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.registry.specs import Label
from ml.metrics import Metric
from ml.models import Predictions

RESAMPLES: Final = 1000
# A metric that is computed anew from the rows of each resample.
WHOLE_RESAMPLES: Final = 200
_CELLS_PER_CHUNK: Final = 4_000_000


def interval(
    metric: Metric, y: Sequence[Label], predictions: Predictions, *, alpha: float = 0.05, seed: int = 0
) -> tuple[float, float] | None:
    """The two-sided interval at 1 - alpha of `metric` over resamples of the rows; None when most have no value."""
    generator = np.random.default_rng(seed)
    drawn = (
        _by_rows(metric, y, predictions, generator)
        if metric.components is None
        else _by_means(metric, metric.components(y, predictions), generator)
    )
    finite = drawn[np.isfinite(drawn)]
    if len(finite) <= len(drawn) / 2:
        return None
    low, high = np.quantile(finite, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def _by_means(metric: Metric, parts: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    rows = len(parts)
    chunk = max(1, _CELLS_PER_CHUNK // rows)
    shares = np.full(rows, 1 / rows)
    drawn = [
        metric.combine(generator.multinomial(rows, shares, size=min(chunk, RESAMPLES - start)) @ parts / rows)
        for start in range(0, RESAMPLES, chunk)
    ]
    return np.concatenate(drawn)


def _by_rows(
    metric: Metric, y: Sequence[Label], predictions: Predictions, generator: np.random.Generator
) -> NDArray[np.float64]:
    drawn = []
    for _ in range(WHOLE_RESAMPLES):
        rows = generator.integers(0, len(y), size=len(y))
        drawn.append(metric.compute([y[row] for row in rows], predictions.take(rows)))
    return np.array(drawn)
