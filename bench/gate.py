"""Proof of the gate: how often it promotes a model that is no better, and how often one that is.

Real data and models; only who answered which row is drawn by lot. Several models are trained on the same rows with
other seeds. Before each comparison the answers to every row are dealt out anew to the contenders, so that
their values are exactly equal in expectation, whatever the metric (they are exchangeable), while errors keep their
sizes, their skewness, and their likeness between models. `python -m bench.gate` prints one line a figure.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binomtest, norm, ttest_1samp
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier

from bench.table import BenchRow
from domain.model_checks.specs import PairedComparison
from domain.promotions.budget import Spent, allot
from domain.promotions.champion import AlphaBudget
from domain.promotions.gates import compare_verdict
from domain.registry.specs import Task
from ml.comparison.compare import compare
from ml.comparison.power import rows_needed
from ml.models import Predictions

BIKES = Path(__file__).parents[1] / "examples" / "bikes" / "hour.csv"
ALPHA = 0.05
COMPARISONS = 1000
HOLDOUT = 500
CHAINS, RETRAINS = 500, 20
SEEDS = RETRAINS + 1
POWER, TOLD = 0.8, 400
HOURS = 2000
FEATURES = (
    *("season", "yr", "mnth", "hr", "holiday", "weekday", "workingday"),
    *("weathersit", "temp", "atemp", "hum", "windspeed"),
)
Random = np.random.Generator
Answers = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Rows that no model saw, and what each of several models answers: [models, rows, classes or 1]."""

    name: str
    task: Task
    y: NDArray[np.float64]
    answers: Answers

    def predictions(self, answers: Answers) -> Predictions:
        if self.task == "regression":
            return Predictions(answers[:, 0].tolist())
        return Predictions(answers.argmax(axis=1).tolist(), answers, list(range(answers.shape[1])))

    def dealt(self, random: Random, rows: NDArray[np.int64], contenders: int) -> Answers:
        """The answers of `contenders`, each row's dealt out by lot: [contenders, rows, classes]."""
        order = random.permuted(np.tile(np.arange(len(self.answers)), (len(rows), 1)), axis=1)[:, :contenders]
        found: Answers = self.answers[order.T, rows[None, :]]
        return found

    def compare(
        self, metric: str, rows: NDArray[np.int64], pair: Answers, *, min_effect: float = 0.0, alpha: float = ALPHA
    ) -> PairedComparison:
        y = self.y[rows].tolist() if self.task == "regression" else self.y[rows].astype(int).tolist()
        both = self.predictions(pair[0]), self.predictions(pair[1])
        return compare(metric, y, both[0], both[1], task=self.task, alpha=alpha, min_effect=min_effect)


def run() -> list[BenchRow]:
    regression, binary, digits = _bikes_counts(), _bikes_busy(), _digits()
    cases = [(regression, "mae"), (regression, "rmse"), (binary, "accuracy"), (binary, "auc"), (binary, "log_loss")]
    # Each starts from its own seed, so the order in which the processes finish changes nothing.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        running = [
            *(processes.submit(equal_models, pool, metric) for pool, metric in [*cases, (digits, "f1")]),
            *(processes.submit(chains, binary, metric) for metric in ("accuracy", "auc")),
            processes.submit(power, regression, "mae", 0.05),
            processes.submit(power, binary, "log_loss", 0.05),
            processes.submit(power, binary, "accuracy", 0.02),
            processes.submit(hourly_errors),
        ]
        return [row for one in running for row in one.result()]


def equal_models(pool: Pool, metric: str) -> list[BenchRow]:
    """1,000 comparisons of equals on random rows: with the minimum effect of a new policy, and with none."""
    random = np.random.default_rng(1)
    promoted, bare, higher = 0, 0, 0
    for _ in range(COMPARISONS):
        rows = np.sort(random.choice(len(pool.y), HOLDOUT, replace=False))
        pair = pool.dealt(random, rows, 2)
        found = pool.compare(metric, rows, pair)
        bare += _passes(found)
        higher += found.effect > 0
        # A bar that is higher is passed more rarely, by the same resamples.
        promoted += _passes(found) and _passes(pool.compare(metric, rows, pair, min_effect=0.01))
    what = f"equals promoted, {pool.name}, {metric}"
    peer = "higher metric wins"
    return [
        _share(f"{what}, minimum effect 1 %", promoted, higher, COMPARISONS, peer, at_most=ALPHA),
        _share(f"{what}, none", bare, higher, COMPARISONS, peer, near=ALPHA),
    ]


def chains(pool: Pool, metric: str) -> list[BenchRow]:
    """Chains of 20 retrains, none better, against one champion on one holdout: is any of them promoted?"""
    random = np.random.default_rng(2)
    spent, unspent = 0, 0
    for _ in range(CHAINS):
        rows = np.sort(random.choice(len(pool.y), HOLDOUT, replace=False))
        models = pool.dealt(random, rows, SEEDS)

        def promoted(alpha: float, retrain: int, rows: NDArray[np.int64] = rows, models: Answers = models) -> bool:
            return _passes(pool.compare(metric, rows, models[[0, retrain]], alpha=alpha))

        unspent += any(promoted(ALPHA, retrain) for retrain in range(1, SEEDS))
        spent += _any_within(AlphaBudget(), promoted)
    name = f"chains of {RETRAINS} equals with a promotion, {pool.name}, {metric}, alpha budget"
    return [_share(name, spent, unspent, CHAINS, f"each of the {RETRAINS} at alpha {ALPHA}", at_most=ALPHA)]


def _any_within(budget: AlphaBudget, promoted: Callable[[float, int], bool]) -> bool:
    """Whether a chain of retrains sees a promotion when each may use what the budget allots it."""
    made: list[Spent] = []
    for retrain in range(1, SEEDS):
        share = allot(budget, ALPHA, made).share
        if share is None:
            break
        made.append(Spent("holdout", "rows", share, promoted(share, retrain)))
    return any(one.rejected for one in made)


def power(pool: Pool, metric: str, effect: float) -> list[BenchRow]:
    """How often a model that is better by exactly `effect` is told, on as many rows as `rows_needed` asks for."""
    random = np.random.default_rng(3)
    rows = np.arange(len(pool.y))
    found = pool.compare(metric, rows, _improved(pool, metric, effect, random, rows))
    error = (found.high - found.low) / 2 / norm.isf(ALPHA) * np.sqrt(len(rows))
    needed = rows_needed(1, effect, error, ALPHA, POWER)
    assert needed is not None
    told = 0
    for _ in range(TOLD):
        rows = np.sort(random.choice(len(pool.y), needed, replace=False))
        told += _passes(pool.compare(metric, rows, _improved(pool, metric, effect, random, rows)))
    low, high = _interval(told, TOLD)
    name = f"told when {effect:.0%} better, {pool.name}, {metric}, the {needed:,} rows of `rows_needed`"
    broken = (
        None if high >= POWER else f"the power was to be {POWER}, and is {told / TOLD:.3f} [{low:.3f}, {high:.3f}]."
    )
    note = f"the power asked for; ours [{low:.1%}, {high:.1%}]"
    return [BenchRow(name, 100 * told / TOLD, 100 * POWER, "%", told / TOLD / POWER, note, broken)]


def hourly_errors() -> list[BenchRow]:
    """Two models that err differently for hours on end, swapped by lot day by day, on stretches of 2,000 hours."""
    random = np.random.default_rng(4)
    y, pair = _two_views()
    naive, robust = 0, 0
    for _ in range(COMPARISONS):
        start = random.integers(0, len(y) - HOURS)
        hours = np.arange(start, start + HOURS)
        swapped = random.random(HOURS // 24 + 2)[(hours - start + random.integers(0, 24)) // 24] < 0.5
        first, second = (np.where(swapped, pair[1 - one][hours], pair[one][hours]) for one in (0, 1))
        truth = y[hours]
        found = compare(
            "mae",
            truth.tolist(),
            Predictions(first.tolist()),
            Predictions(second.tolist()),
            task="regression",
            alpha=ALPHA,
            time_ordered=True,
        )
        robust += _passes(found)
        gained = np.abs(first - truth) - np.abs(second - truth)
        naive += bool(ttest_1samp(gained, 0, alternative="greater").pvalue <= ALPHA)
    name = "equals promoted, bikes by the hour, mae"
    return [_share(name, robust, naive, COMPARISONS, "paired t test", near=ALPHA)]


def _passes(found: PairedComparison) -> bool:
    return compare_verdict(found)[0] == "pass"


def _share(
    name: str, ours: int, peer: int, of: int, note: str, *, at_most: float | None = None, near: float | None = None
) -> BenchRow:
    """A share of false promotions that is to be `at_most` a figure, or the lower end of its interval `near` one."""
    low, high = _interval(ours, of)
    share, broken = ours / of, None
    if (at_most is not None and share > at_most) or (near is not None and low > near):
        broken = f"{share:.3f} [{low:.3f}, {high:.3f}] is above {at_most or near}."
    return BenchRow(
        name, 100 * share, 100 * peer / of, "%", ours / max(peer, 1), f"{note}; ours [{low:.1%}, {high:.1%}]", broken
    )


def _interval(count: int, of: int) -> tuple[float, float]:
    """Exact bounds of a share at 99 %."""
    found = binomtest(count, of).proportion_ci(0.99)
    return float(found.low), float(found.high)


def _improved(pool: Pool, metric: str, effect: float, random: Random, rows: NDArray[np.int64]) -> Answers:
    """A pair of equals, the second one then made better by exactly the share `effect` in expectation."""
    first, second = pool.dealt(random, rows, 2)
    truth = pool.y[rows]
    if metric == "mae":
        return np.stack([first, second + effect * (truth[:, None] - second)])
    ones = np.eye(second.shape[1])[truth.astype(int)]
    if metric == "log_loss":
        right = (second * ones).sum(axis=1, keepdims=True) ** (1 - effect)
        return np.stack([first, np.where(ones > 0, right, 1 - right)])
    # accuracy: so many of the mistakes are set right
    share = (pool.answers.argmax(axis=2) == pool.y).mean()
    mended = (second.argmax(axis=1) != truth) & (random.random(len(rows)) < effect * share / (1 - share))
    return np.stack([first, np.where(mended[:, None], ones, second)])


def _bikes(columns: Sequence[str] = FEATURES) -> tuple[Answers, NDArray[np.float64]]:
    table = pl.read_csv(BIKES)
    return table.select(columns).to_numpy().astype(float), table["cnt"].to_numpy().astype(float)


def _several(
    fit: Callable[[int, NDArray[np.int64]], Answers], x: Answers, train: int
) -> tuple[Answers, NDArray[np.int64]]:
    """Answers of models that other seeds and resampled training rows made, and the rows of the pool."""
    order = np.random.default_rng(0).permutation(len(x))
    learnt, pool = order[:train], order[train:]
    answers = [fit(seed, np.random.default_rng(seed).choice(learnt, train))[pool] for seed in range(SEEDS)]
    return np.stack(answers), pool


def _bikes_counts() -> Pool:
    x, y = _bikes()

    def fit(seed: int, rows: NDArray[np.int64]) -> Answers:
        model = HistGradientBoostingRegressor(max_iter=40, random_state=seed).fit(x[rows], y[rows])
        return np.asarray(model.predict(x))[:, None]

    answers, pool = _several(fit, x, 5000)
    return Pool("bikes", "regression", y[pool], answers)


def _bikes_busy() -> Pool:
    """Is it an hour with more rentals than half of all hours have?"""
    x, y = _bikes()
    busy = (y > np.median(y)).astype(float)

    def fit(seed: int, rows: NDArray[np.int64]) -> Answers:
        model = HistGradientBoostingClassifier(max_iter=20, random_state=seed).fit(x[rows], busy[rows])
        return np.asarray(model.predict_proba(x))

    answers, pool = _several(fit, x, 5000)
    return Pool("bikes busy or not", "classification", busy[pool], answers)


def _digits() -> Pool:
    x, y = load_digits(return_X_y=True)

    def fit(seed: int, rows: NDArray[np.int64]) -> Answers:
        model = RandomForestClassifier(10, random_state=seed).fit(x[rows], y[rows])
        return np.asarray(model.predict_proba(x))

    answers, pool = _several(fit, x, 500)
    return Pool("digits", "classification", y[pool].astype(float), answers)


def _two_views() -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The counts of the second year, in order, and two models of the first: one without weather, one without season."""
    answers = []
    for left_out in ({"temp", "atemp", "hum", "windspeed", "weathersit"}, {"season", "mnth"}):
        x, y = _bikes([name for name in FEATURES if name not in left_out])
        half = len(y) // 2
        answers.append(
            HistGradientBoostingRegressor(max_iter=40, random_state=0).fit(x[:half], y[:half]).predict(x[half:])
        )
    return y[half:], answers


if __name__ == "__main__":
    for row in run():
        print(row, row.broken or "")
