"""The paired bootstrap of any metric, with bias-corrected and accelerated (BCa) bounds.

Sources: Efron, Better bootstrap confidence intervals, Journal of the American Statistical Association 82:171 (1987);
the p-value is the level of the one-sided interval that ends at the bar. The quantiles are those of Student's t,
widened for the bootstrap's narrowness: Hesterberg, What teachers should know about the bootstrap, The American
Statistician 69:371 (2015). Blocks of neighbours are resampled whole where rows are in the order of time: Carlstein,
Annals of Statistics 14:1171 (1986).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from domain.model_checks.specs import LARGEST_EFFECT
from domain.registry.specs import Label
from ml.comparison.areas import placements, weighted_area
from ml.comparison.effect import Finding, Floats, Question, Rows, gain, improvement, unvarying
from ml.comparison.inputs import NothingToCompare
from ml.metrics import Components, Metric
from ml.models import Predictions

RESAMPLES: Final = 2000
MOST_RESAMPLES: Final = 20_000
# More rows than this are resampled in groups at random, which costs the bounds a hundredth of their width.
MOST_UNITS: Final = 5000
_CELLS_PER_CHUNK: Final = 2_000_000


@dataclass(frozen=True)
class Scorer:
    """Both models' metric under weights of the units [resamples, units], and without one unit each [2, units]."""

    score: Callable[[Floats], Floats]
    spared: Floats


@dataclass(frozen=True)
class Bounds:
    low: float
    high: float
    p: float
    p_worse: float


def bootstrap(
    metric: Metric,
    y: Sequence[Label],
    champion: Predictions,
    challenger: Predictions,
    question: Question,
    *,
    seed: int,
    time_ordered: bool,
) -> Finding:
    """Resample rows, the same for both models. Raises `NothingToCompare` when most resamples have no value."""
    generator = np.random.default_rng(seed)
    unit_of = units(len(y), generator, time_ordered=time_ordered)
    count = int(unit_of.max()) + 1
    both = (champion, challenger)
    scorer = (
        _by_areas(metric, y, both, unit_of)
        if metric.components is None
        else _by_means(metric, metric.components, y, both, unit_of)
    )
    resamples = resamples_for(question.alpha)
    drawn = _drawn(scorer, count, resamples, generator)
    defined = np.isfinite(drawn).all(axis=0)
    if defined.sum() < resamples / 2:
        raise NothingToCompare(f"{metric.name} is not defined on most resamples of {len(y)} rows.", where="metric")
    drawn = drawn[:, defined]
    observed = scorer.score(np.ones((1, count)))
    spared = scorer.spared[:, np.isfinite(scorer.spared).all(axis=0)]
    higher = metric.higher_is_better
    effects = [improvement(one[0], one[1], higher_is_better=higher) for one in (drawn, observed, spared)]
    gains = [gain(one[0], one[1], higher_is_better=higher) for one in (drawn, observed, spared)]
    method = f"paired bootstrap BCa, {drawn.shape[1]} resamples"
    if time_ordered or count < len(y):
        method += f" of {count} {'blocks' if time_ordered else 'groups'} of rows"
    effect, difference = float(effects[1][0]), float(gains[1][0])
    if np.ptp(effects[0]) <= 1e-12 * max(1.0, abs(effect)):
        return unvarying(effect, difference, question, count, method)
    found = bca(effects[0], effect, effects[2], bar=question.bar, alpha=question.alpha, count=count)
    differences = bca(gains[0], difference, gains[2], bar=0.0, alpha=question.alpha, count=count)
    return Finding(
        p=found.p,
        p_worse=found.p_worse,
        low=found.low,
        high=found.high,
        difference_low=differences.low,
        difference_high=differences.high,
        error=float(effects[0].std()) * math.sqrt(count / max(count - 1, 1)),
        method=method,
    )


def resamples_for(alpha: float) -> int:
    """So many that twenty lie beyond a bound at `alpha`, as the last figure of a small one depends on them."""
    return min(MOST_RESAMPLES, max(RESAMPLES, math.ceil(20 / alpha)))


def units(rows: int, generator: np.random.Generator, *, time_ordered: bool) -> Rows:
    """The unit each row is resampled with: itself; a block of neighbours; one of 5,000 groups drawn at random.

    A mean of groups has the variance and skewness of the mean of their rows, so that groups only make it quicker.
    """
    numbers = np.arange(rows, dtype=np.int64)
    if time_ordered:
        return numbers // math.ceil(1.3 * math.sqrt(rows))
    if rows <= MOST_UNITS:
        return numbers
    found = np.empty(rows, dtype=np.int64)
    found[generator.permutation(rows)] = numbers * MOST_UNITS // rows
    return found


def bca(drawn: Floats, observed: float, spared: Floats, *, bar: float, alpha: float, count: int) -> Bounds:
    """Bounds at 1 - alpha each and the p-values beside `bar`, from resampled values and those without one unit each.

    `p <= alpha` exactly when `low > bar`: both are read off the same ordered resamples, and the observed sample counts
    as one more of them, so that p is never 0. A bound that would lie beyond the outermost resample has no limit.
    """
    ordered = np.sort(drawn)
    below = (np.searchsorted(ordered, observed, "left") + np.searchsorted(ordered, observed, "right")) / 2
    places = len(ordered) + 1
    bias = float(norm.ppf(np.clip(below / len(ordered), 1 / places, 1 - 1 / places)))
    pull = spared.mean() - spared
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    degrees, narrow = max(count - 1, 1), math.sqrt(count / max(count - 1, 1))

    def level(one_sided: float) -> float:
        """The share of resamples below the bound that holds with `one_sided`."""
        moved = bias - narrow * float(student.isf(one_sided, degrees))
        return float(norm.cdf(bias + moved / max(1 - acceleration * moved, 1e-9)))

    def holds(share: float) -> float:
        """The other way round: one-sided level of the bound that has `share` of the resamples below it."""
        moved = float(norm.ppf(np.clip(share, 1 / places, 1 - 1 / places))) - bias
        turned = moved / max(1 + acceleration * moved, 1e-9)
        return float(student.cdf((turned - bias) / narrow, degrees))

    limit = LARGEST_EFFECT
    first = math.floor(level(alpha) * places)
    last = math.floor((1 - level(1 - alpha)) * places)
    low = float(ordered[first - 1]) if first else -limit
    high = float(ordered[-last]) if last else limit
    p = holds((np.searchsorted(ordered, bar, "right") + 1) / places)
    p_worse = 1 - holds((np.searchsorted(ordered, bar, "left")) / places)
    return Bounds(low, high, p, p_worse)


def _drawn(scorer: Scorer, count: int, resamples: int, generator: np.random.Generator) -> Floats:
    """Both models' metric [2, resamples], each resample as so many times each unit."""
    chunk = max(1, _CELLS_PER_CHUNK // count)
    found = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        chosen = generator.integers(0, count, size=(size, count), dtype=np.int32)
        chosen += (np.arange(size, dtype=np.int32) * count)[:, None]
        times = np.bincount(chosen.ravel(), minlength=size * count).reshape(size, count)
        found.append(scorer.score(times.astype(np.float64)))
    return np.concatenate(found, axis=1)


def _by_means(
    metric: Metric, components: Components, y: Sequence[Label], both: Sequence[Predictions], unit_of: Rows
) -> Scorer:
    """A metric that is a function of means: of sums over the units, weighted."""
    sizes = np.bincount(unit_of).astype(np.float64)
    sums = [_summed(components(y, predictions), unit_of, len(sizes)) for predictions in both]

    def score(weights: Floats) -> Floats:
        total = _weighted(weights, sizes[:, None])
        return np.stack([metric.combine(_weighted(weights, one) / total) for one in sums])

    others = (len(y) - sizes)[:, None]
    with np.errstate(invalid="ignore"):  # without the only unit nothing is left
        spared = np.stack([metric.combine((one.sum(axis=0) - one) / others) for one in sums])
    return Scorer(score, spared)


def _by_areas(metric: Metric, y: Sequence[Label], both: Sequence[Predictions], unit_of: Rows) -> Scorer:
    """The area under the ROC curve; without one unit to first order, by what its rows add to the area.

    With more than 5,000 rows the resampled areas are to first order as well, which then is exact enough, and quick.
    """
    values = np.array([metric.compute(y, predictions) for predictions in both])
    parts = [np.bincount(unit_of, weights=placements(y, predictions)) for predictions in both]
    table: Floats = np.stack(parts, axis=1).astype(np.float64)
    spared: Floats = values[:, None] - table.T
    if len(y) > MOST_UNITS:
        return Scorer(lambda weights: values[:, None] + _weighted(weights, table).T, spared)
    areas = [weighted_area(y, predictions, unit_of) for predictions in both]
    return Scorer(lambda weights: np.stack([area(weights) for area in areas]), spared)


def _weighted(weights: Floats, table: Floats) -> Floats:
    """`weights` [resamples, units] times `table` [units, m], without BLAS: its last digits depend on its threads."""
    columns = np.ascontiguousarray(table.T)
    found: Floats = np.einsum("bu,mu->bm", weights, columns)
    return found


def _summed(table: Floats, unit_of: Rows, count: int) -> Floats:
    """The rows of `table` added up by unit, [units, m]."""
    if count == len(table):
        return table
    return np.stack([np.bincount(unit_of, weights=column, minlength=count) for column in table.T], axis=1)
