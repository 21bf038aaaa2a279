"""Is the challenger better than the champion? A paired test on the same rows, for the gate and the rollout checks.

Sources: the paired percentile bootstrap, Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13
and 16; McNemar's mid-p test, Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013).
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from domain.errors import Invalid
from domain.model_checks.specs import PairedComparison
from domain.registry.specs import Label, Task
from ml.metrics import Metric, find_metric
from ml.models import Predictions

RESAMPLES: Final = 2000
POWER: Final = 0.8
# Bounds of an effect when the champion's value is (nearly) zero, so that every figure stays a finite number.
_LARGEST_EFFECT: Final = 1e6
_CELLS_PER_CHUNK: Final = 4_000_000
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class NothingToCompare(Invalid):
    code = "nothing_to_compare"


def compare(
    name: str,
    y: Sequence[Label],
    champion: Predictions,
    challenger: Predictions,
    *,
    task: Task,
    alpha: float,
    min_effect: float,
    seed: int = 0,
    rows_excluded: int = 0,
) -> PairedComparison:
    """Test that the challenger's relative improvement of the metric `name` exceeds `min_effect` (0.01 is one per cent).

    `effect` is the improvement as a share of the champion's value. `low` and `high` are one-sided bounds at 1 - alpha
    each, together an interval at 1 - 2 alpha. `p_value` is one-sided, for effect <= min_effect: the share of 2,000
    paired resamples at or below it; for accuracy without a minimum effect it is McNemar's mid-p, exact however few
    rows differ. `rows_needed` is given when an effect above `min_effect` is not yet significant: the rows at which it
    would be, with a power of 0.8, by the normal approximation. `rows_excluded` is only carried along.

    Raises `NothingToCompare` without rows, or when the metric is not defined on them, and `UnknownMetric`.
    """
    metric = find_metric(name, task)
    if len(y) == 0:
        raise NothingToCompare("There are no rows that neither model was trained on.", where="rows")
    values = metric.compute(y, champion), metric.compute(y, challenger)
    if not np.isfinite(values).all():
        raise NothingToCompare(f"{metric.name} is not defined on these {len(y)} rows.", where="metric")
    effect = float(_improvement(metric, np.array(values[0]), np.array(values[1])))
    effects = _resampled_effects(metric, y, champion, challenger, np.random.default_rng(seed))
    low, high = np.quantile(effects, [alpha, 1 - alpha])
    method = f"paired bootstrap, {len(effects)} resamples, percentile"
    # The observed sample counts as one more resample, so that p is never 0.
    p_value = float((np.count_nonzero(effects <= min_effect) + 1) / (len(effects) + 1))
    if metric.name == "accuracy" and min_effect == 0:
        p_value = _mcnemar(y, champion, challenger)
        method = f"McNemar mid-p; bounds by {method}"
    needed = None
    if p_value > alpha and effect > min_effect:
        distance = (norm.ppf(1 - alpha) + norm.ppf(POWER)) * effects.std() / (effect - min_effect)
        needed = max(len(y) + 1, int(np.ceil(len(y) * min(distance**2, 1e6))))
    return PairedComparison(
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        rows=len(y),
        rows_excluded=rows_excluded,
        champion_value=values[0],
        challenger_value=values[1],
        effect=effect,
        low=float(low),
        high=float(high),
        p_value=p_value,
        alpha=alpha,
        min_effect=min_effect,
        rows_needed=needed,
        method=method,
    )


def _improvement(metric: Metric, champion: Floats, challenger: Floats) -> Floats:
    """(champion - challenger) / |champion| for losses, the other way round for scores; bounded."""
    gain = challenger - champion if metric.higher_is_better else champion - challenger
    share: Floats = gain / np.maximum(np.abs(champion), 1e-300)
    return np.clip(np.where(gain == 0, 0.0, share), -_LARGEST_EFFECT, _LARGEST_EFFECT)


def _resampled_effects(
    metric: Metric, y: Sequence[Label], champion: Predictions, challenger: Predictions, generator: np.random.Generator
) -> Floats:
    """The effect in each resample of rows, the same rows for both models; resamples without a value are left out."""
    score = _by_components(metric, y, (champion, challenger)) or _by_rows(metric, y, (champion, challenger))
    chunk = max(1, _CELLS_PER_CHUNK // len(y))
    effects = []
    for start in range(0, RESAMPLES, chunk):
        rows = generator.integers(0, len(y), size=(min(chunk, RESAMPLES - start), len(y)))
        ours, theirs = score(rows)
        effects.append(_improvement(metric, ours, theirs))
    found = np.concatenate(effects)
    found = found[np.isfinite(found)]
    if len(found) < RESAMPLES / 2:
        raise NothingToCompare(f"{metric.name} is not defined on most resamples of {len(y)} rows.", where="metric")
    return found


Scores = Callable[[Rows], tuple[Floats, Floats]]


def _by_components(metric: Metric, y: Sequence[Label], both: tuple[Predictions, Predictions]) -> Scores | None:
    """Both models' metric for resamples [b, n], as a function of the resampled means; None where there are none."""
    if metric.components is None:
        return None
    parts = metric.components
    tables = parts(y, both[0]), parts(y, both[1])
    rows_total = len(y)

    def score(rows: Rows) -> tuple[Floats, Floats]:
        offsets = rows + np.arange(len(rows))[:, None] * rows_total
        counts = np.bincount(offsets.ravel(), minlength=rows.size).reshape(rows.shape)
        weights = counts / rows_total
        return metric.combine(weights @ tables[0]), metric.combine(weights @ tables[1])

    return score


def _by_rows(metric: Metric, y: Sequence[Label], both: tuple[Predictions, Predictions]) -> Scores:
    """Both models' metric for resamples [b, n], computed anew for each resample."""

    def score(rows: Rows) -> tuple[Floats, Floats]:
        pairs = []
        for chosen in rows:
            truth = [y[row] for row in chosen]
            pairs.append([metric.compute(truth, predictions.take(chosen)) for predictions in both])
        table = np.array(pairs)
        return table[:, 0], table[:, 1]

    return score


def _mcnemar(y: Sequence[Label], champion: Predictions, challenger: Predictions) -> float:
    """One-sided mid-p that the challenger is right more often where exactly one of the two is right."""
    triples = list(zip(y, champion.values, challenger.values, strict=True))
    won = sum(ours != truth == theirs for truth, ours, theirs in triples)
    lost = sum(ours == truth != theirs for truth, ours, theirs in triples)
    if won + lost == 0:
        return 1.0
    return float(binom.sf(won, won + lost, 0.5) + 0.5 * binom.pmf(won, won + lost, 0.5))
