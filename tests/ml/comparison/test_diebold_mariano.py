"""Diebold and Mariano's test by hand, without lags as Student's, and on errors that resemble their neighbours'."""

import math

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_rel

from ml.comparison.contrast import told_by_contrast
from ml.comparison.diebold_mariano import diebold_mariano, lags_for, long_run_covariance
from ml.comparison.effect import Floats, Question

LOSS = Question(0.0, 0.05, higher_is_better=False)


def losses(rows: int = 60, seed: int = 8) -> Floats:
    generator = np.random.default_rng(seed)
    return generator.exponential(10, (rows, 2)) + generator.exponential(10, (rows, 1))


def wave(generator: np.random.Generator, rows: int, likeness: float) -> Floats:
    """Numbers each of which is the one before times `likeness`, and something new."""
    found = generator.normal(0, 1, rows)
    found[0] /= math.sqrt(1 - likeness**2)
    for row in range(1, rows):
        found[row] += likeness * found[row - 1]
    return found


class TestDieboldMariano:
    def test_by_hand(self) -> None:
        """The statistic as its authors write it, on the differences, and the correction as its authors do."""
        table = losses()
        gained = (table[:, 0] - table[:, 1]).tolist()
        n, lags = len(gained), 11  # 1.3 x sqrt(60) = 10.07
        mean = sum(gained) / n
        covariances = [
            sum((gained[t] - mean) * (gained[t - lag] - mean) for t in range(lag, n)) / n for lag in range(lags + 1)
        ]
        variance = covariances[0] + 2 * sum((1 - k / (lags + 1)) * covariances[k] for k in range(1, lags + 1))
        h = lags + 1
        corrected = mean / math.sqrt(variance / n) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
        found = diebold_mariano(table, LOSS)
        assert found.p == pytest.approx(student.sf(corrected, 1.5 * n / h))
        assert "11 lags" in found.method

    def test_of_rmse_is_that_of_squared_losses(self) -> None:
        table = losses() ** 2
        squared, root = diebold_mariano(table, LOSS), diebold_mariano(table, LOSS, root=True)
        assert root.p == squared.p
        assert root.low == pytest.approx(1 - math.sqrt(1 - squared.low))

    def test_without_lags_is_students_paired_test(self) -> None:
        table = losses()
        found = told_by_contrast(
            table.mean(axis=0), long_run_covariance(table, 0), LOSS, rows=60, degrees=59, method="Student"
        )
        expected = ttest_rel(table[:, 0], table[:, 1], alternative="greater")
        assert found.p == pytest.approx(expected.pvalue)
        assert found.difference_low == pytest.approx(expected.confidence_interval(0.95).low)

    def test_keeps_alpha_where_neighbours_are_alike_and_student_does_not(self) -> None:
        generator = np.random.default_rng(9)
        ours, naive, runs = 0, 0, 300
        for _ in range(runs):
            table = 20 + np.stack([wave(generator, 300, 0.7), wave(generator, 300, 0.7)], axis=1)
            ours += diebold_mariano(table, LOSS).p <= 0.05
            naive += bool(ttest_rel(table[:, 0], table[:, 1], alternative="greater").pvalue <= 0.05)
        assert ours <= runs * 0.05 + 3 * math.sqrt(runs * 0.05 * 0.95)
        assert naive > runs * 0.15

    def test_rows_that_do_not_vary_are_told_by_their_number(self) -> None:
        found = diebold_mariano(np.tile([2.0, 1.0], (10, 1)), LOSS)
        assert (found.p, found.low, found.high) == (0.5**10, 0.5, 0.5)
        few = diebold_mariano(np.tile([2.0, 1.0], (3, 1)), LOSS)
        assert (few.p, few.low, few.high) == (0.125, -1e6, 1e6)

    def test_a_single_row_tells_nothing(self) -> None:
        assert diebold_mariano(np.array([[2.0, 1.0]]), LOSS).p == 0.5

    def test_lags_grow_with_the_root_of_the_rows(self) -> None:
        assert [lags_for(rows) for rows in (1, 2, 9, 100, 10_000)] == [0, 0, 4, 13, 130]


class TestContrast:
    @pytest.mark.parametrize("bar", [-0.1, 0.0, 0.04, 0.2])
    @pytest.mark.parametrize("higher", [True, False])
    def test_p_and_bounds_say_the_same(self, bar: float, higher: bool) -> None:
        for seed in range(40):
            found = diebold_mariano(losses(40, seed), Question(bar, 0.05, higher))
            assert (found.p <= 0.05) == (found.low >= bar)
            assert (found.p_worse <= 0.05) == (found.high <= bar)

    def test_a_champion_near_zero_leaves_the_share_without_bounds(self) -> None:
        values, covariance = np.array([0.01, -1.0]), np.diag([0.01, 0.01])
        found = told_by_contrast(values, covariance, LOSS, rows=50, method="x")
        assert (found.low, found.high) == (-1e6, 1e6)
        assert found.p > 0.4
