"""The measures, against SciPy, closed forms and what they promise about chance."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from ml.divergence import (
    Counts,
    benjamini_hochberg,
    bin_levels,
    bin_numbers,
    chi2,
    js,
    kl,
    ks,
    psi,
    psi_null,
    wasserstein,
    wasserstein_null,
)

P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])


def test_divergences_agree_with_scipy() -> None:
    assert psi(P, Q) == pytest.approx(stats.entropy(Q, P) + stats.entropy(P, Q))
    assert kl(P, Q) == pytest.approx(stats.entropy(Q, P))
    assert js(P, Q) == pytest.approx(distance.jensenshannon(P, Q, base=2) ** 2)


def test_equal_shares_do_not_diverge_and_disjoint_ones_do_fully() -> None:
    assert (psi(P, P), kl(P, P), js(P, P)) == (0, 0, 0)
    assert js(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_an_empty_bin_is_floored() -> None:
    counts = Counts(np.array([50.0, 50.0]), np.array([100.0, 0.0]))
    assert psi(*counts.floored) == pytest.approx(0.5 * np.log(2) + (0.5 - 1e-4) * np.log(0.5 / 1e-4))


@pytest.mark.parametrize("n", [30, 400])
def test_ks_agrees_with_scipy(n: int) -> None:
    random = np.random.default_rng(n)
    one, two = np.sort(random.normal(size=500).round(1)), np.sort(random.normal(0.3, size=n).round(1))
    expected = stats.ks_2samp(one, two, method="asymp")
    statistic, p_value = ks(one, two)
    assert statistic == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=0.2)


def test_q_values_are_never_below_their_p_values() -> None:
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]) == []


class TestBins:
    def test_hold_a_tenth_of_the_reference_each_with_open_ends(self) -> None:
        counts = bin_numbers(np.arange(1000.0), np.array([-5.0, 5.0, 5000.0]))
        assert counts.reference.tolist() == [100] * 10
        assert (counts.window[0], counts.window[-1]) == (2, 1)

    def test_are_below_equal_above_where_quantiles_collapse(self) -> None:
        reference = np.array([-1.0] + [0.0] * 97 + [3.0, 4.0])
        counts = bin_numbers(reference, np.array([-9.0, 0.0, 0.0, 0.5]))
        assert (counts.reference.tolist(), counts.window.tolist()) == ([1, 97, 2], [1, 2, 1])

    def test_of_levels_pool_rare_ones_until_five_rows_are_expected(self) -> None:
        counts = bin_levels({"a": 50, "b": 30, "c": 12, "d": 8}, {"a": 25, "b": 15, "c": 6, "d": 4})
        assert counts.reference.tolist() == [50, 30, 12, 8]
        small = bin_levels({"a": 50, "b": 30, "c": 12, "d": 8}, {"a": 10, "b": 6, "c": 2, "d": 2})
        assert small.reference.tolist() == [50, 30, 20]

    def test_of_levels_take_a_new_level_for_news_and_text_that_never_repeats_for_none(self) -> None:
        new = bin_levels({"x": 50, "y": 50}, {"x": 20, "z": 30})
        assert psi(*new.floored) > 1
        text = bin_levels({f"old {i}": 1 for i in range(200)}, {f"new {i}": 1 for i in range(100)})
        assert psi(*text.floored) == 0


def test_chi2_pools_bins_that_expect_few_rows() -> None:
    lone = Counts(np.array([4000.0, 3999.0, 1.0]), np.array([100.0, 99.0, 1.0]))
    assert chi2(lone)[1] > 0.9
    table = np.array([[40.0, 60.0], [30.0, 20.0]])
    assert chi2(Counts(table[0], table[1]))[0] == pytest.approx(
        stats.chi2_contingency(table, correction=False).statistic
    )
    assert chi2(Counts(np.array([3.0]), np.array([4.0]))) == (0.0, 1.0)


@pytest.mark.parametrize("n", [200, 1000])
def test_chance_exceeds_the_null_quantile_of_psi_as_often_as_it_says(n: int) -> None:
    random = np.random.default_rng(7)
    limit = psi_null(2000, n, 10, 0.05)
    draws = [psi(*bin_numbers(random.normal(size=2000), random.normal(size=n)).floored) for _ in range(3000)]
    assert 0.03 < np.mean(np.array(draws) > limit) < 0.09


def test_chance_stays_below_the_bound_of_wasserstein_and_a_shift_does_not() -> None:
    random = np.random.default_rng(3)
    reference = np.sort(random.exponential(size=3000))
    limit = wasserstein_null(reference, 300, 0.05)
    quiet = [wasserstein(reference, random.exponential(size=300)) for _ in range(300)]
    assert np.mean(np.array(quiet) > limit) <= 0.05
    assert wasserstein(reference, random.exponential(size=300) + 0.4) > limit
