"""BCa against SciPy's on the same resamples; that p-value and bound agree; and what is resampled."""

import math

import numpy as np
import pytest
from scipy import stats

from ml.comparison.bootstrap import MOST_UNITS, bca, bootstrap, resamples_for, units
from ml.comparison.delong import delong
from ml.comparison.effect import Floats, Question
from ml.metrics import METRICS
from ml.models import Predictions

MAE = METRICS["mae"]


def skewed(rows: int, seed: int = 3) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    shared = generator.exponential(10, rows)
    return shared + generator.exponential(8, rows) ** 1.3, shared + generator.exponential(8, rows)


class TestBca:
    @pytest.mark.parametrize("alpha", [0.05, 0.01])
    def test_gives_the_bounds_of_scipy(self, alpha: float) -> None:
        """The mean difference of paired rows; SciPy is asked at the level that our wider quantile stands for."""
        old, new = skewed(40)
        level = float(stats.norm.cdf(-math.sqrt(40 / 39) * stats.t.isf(alpha, 39)))
        scipys = stats.bootstrap(
            (old, new),
            lambda a, b, axis: np.mean(a - b, axis=axis),
            paired=True,
            method="BCa",
            confidence_level=1 - 2 * level,
            n_resamples=9999,
            rng=np.random.default_rng(1),
        )
        gained = old - new
        spared = (gained.sum() - gained) / 39
        drawn = scipys.bootstrap_distribution
        found = bca(drawn, float(gained.mean()), spared, bar=0.0, alpha=alpha, count=40)
        assert found.low == pytest.approx(scipys.confidence_interval.low, abs=0.01 * drawn.std())
        assert found.high == pytest.approx(scipys.confidence_interval.high, abs=0.03 * drawn.std())

    def test_p_is_at_most_alpha_exactly_when_the_bound_is_above_the_bar(self) -> None:
        old, new = skewed(40)
        gained = old - new
        drawn = np.random.default_rng(2).choice(gained, (999, 40)).mean(axis=1)
        spared = (gained.sum() - gained) / 39
        told = set()
        for bar in np.linspace(drawn.min() - 1, drawn.max() + 1, 400):
            found = bca(drawn, float(gained.mean()), spared, bar=float(bar), alpha=0.05, count=40)
            assert (found.p <= 0.05) == (found.low > bar)
            told.add(found.p <= 0.05)
        assert told == {True, False}

    def test_a_bound_beyond_the_outermost_resample_has_no_limit(self) -> None:
        drawn = np.random.default_rng(3).normal(1, 0.1, 50)
        found = bca(drawn, 1.0, np.linspace(0.9, 1.1, 30), bar=0.0, alpha=0.001, count=30)
        assert (found.low, found.high) == (-1e6, 1e6)
        assert found.p > 0.001


class TestUnits:
    def test_are_the_rows_themselves(self) -> None:
        assert units(7, np.random.default_rng(0), time_ordered=False).tolist() == list(range(7))

    def test_are_groups_at_random_of_many_rows(self) -> None:
        found = units(3 * MOST_UNITS, np.random.default_rng(0), time_ordered=False)
        assert (np.bincount(found) == 3).all()
        assert (np.diff(found) != 0).mean() > 0.99

    def test_are_blocks_of_neighbours_in_time(self) -> None:
        assert units(100, np.random.default_rng(0), time_ordered=True).tolist() == [row // 13 for row in range(100)]


class TestBootstrap:
    def test_groups_give_the_bounds_that_rows_give(self) -> None:
        """The error of a mean over 20,000 rows, known from their deviation."""
        old, new = skewed(20_000)
        zeros = [0.0] * len(old)
        found = bootstrap(
            MAE,
            zeros,
            Predictions(old.tolist()),
            Predictions(new.tolist()),
            Question(0.0, 0.05, False),
            seed=0,
            time_ordered=False,
        )
        error = (old - new).std() / math.sqrt(len(old))
        assert (found.difference_high - found.difference_low) / 2 == pytest.approx(1.645 * error, rel=0.06)
        assert "groups" in found.method

    def test_areas_agree_with_delong_in_size(self) -> None:
        generator = np.random.default_rng(4)
        for rows in (300, 6000):
            truth = generator.integers(0, 2, rows)
            both = []
            for _ in range(2):
                scores = 1 / (1 + np.exp(-generator.normal(truth, 1)))
                both.append(Predictions([0] * rows, np.stack([1 - scores, scores], axis=1), [0, 1]))
            asked = Question(0.0, 0.05, True)
            ours = bootstrap(METRICS["auc"], truth.tolist(), both[0], both[1], asked, seed=0, time_ordered=False)
            areas = [METRICS["auc"].compute(truth.tolist(), one) for one in both]
            theirs = delong(truth.tolist(), both[0], both[1], (areas[0], areas[1]), asked)
            width = theirs.high - theirs.low
            assert ours.low == pytest.approx(theirs.low, abs=0.06 * width)
            assert ours.high == pytest.approx(theirs.high, abs=0.06 * width)

    def test_smaller_alphas_take_more_resamples(self) -> None:
        assert [resamples_for(alpha) for alpha in (0.05, 0.0025, 1e-6)] == [2000, 8000, 20_000]
