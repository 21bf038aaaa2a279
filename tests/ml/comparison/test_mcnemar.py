"""McNemar's mid-p by hand, and the score tests against likelihoods maximised by brute force."""

import math
from math import comb

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from ml.comparison.effect import Question
from ml.comparison.mcnemar import Pairs, count_pairs, difference_score, mcnemar, mid_p, ratio_score

TABLES = [Pairs(70, 12, 5, 100), Pairs(20, 3, 9, 40), Pairs(300, 0, 4, 350), Pairs(5, 5, 5, 30)]


def by_likelihood(pairs: Pairs, ratio: float, delta: float) -> float:
    """Standardised (challenger - ratio x champion - delta) at the likeliest shares, found by search over `lost`."""
    both, won, lost, n = pairs.both, pairs.won, pairs.lost, pairs.rows
    none = n - both - won - lost

    def shares(lost_share: float) -> tuple[float, float, float, float]:
        if ratio == 1.0:
            won_share = lost_share + delta
            rest = 1 - lost_share - won_share
            return rest * both / max(both + none, 1), won_share, lost_share, rest * none / max(both + none, 1)
        # The share that both got right is free as well, and its likeliest value known: none / n are wrong in both.
        some = 1 - none / n
        both_share = (some - (1 + ratio) * lost_share) / ratio
        return both_share, some - both_share - lost_share, lost_share, none / n

    def unlikeliness(lost_share: float) -> float:
        counted = zip((both, won, lost, none), shares(lost_share), strict=True)
        return -sum(count * math.log(max(share, 1e-300)) for count, share in counted if count)

    some = 1 - none / n
    low, high = (
        (max(0.0, -delta), (1 - delta) / 2) if ratio == 1 else (max(0.0, (1 - ratio) * some), some / (1 + ratio))
    )
    at = minimize_scalar(unlikeliness, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    p11, p10, p01, _ = shares(at)
    champion, challenger = p11 + p01, p11 + p10
    variance = challenger + ratio**2 * champion - 2 * ratio * p11 - (challenger - ratio * champion) ** 2
    return ((both + won) - ratio * (both + lost) - n * delta) / math.sqrt(n * variance)


class TestMidP:
    def test_by_hand(self) -> None:
        assert mid_p(9, 1) == pytest.approx((1 + 10 / 2) / 1024)
        assert mid_p(7, 3) == pytest.approx(sum(comb(10, k) for k in (8, 9, 10)) / 1024 + comb(10, 7) / 2048)

    def test_of_the_other_side_is_the_rest(self) -> None:
        assert mid_p(4, 11) + mid_p(11, 4) == pytest.approx(1)

    def test_models_that_never_differ_show_nothing(self) -> None:
        assert mid_p(0, 0) == 1


class TestScores:
    @pytest.mark.parametrize("pairs", TABLES)
    @pytest.mark.parametrize("ratio", [0.9, 0.95, 1.01, 1.2])
    def test_of_a_ratio_stands_on_the_likeliest_shares(self, pairs: Pairs, ratio: float) -> None:
        assert ratio_score(pairs, ratio)[0] == pytest.approx(by_likelihood(pairs, ratio, 0.0), rel=1e-4)

    @pytest.mark.parametrize("pairs", TABLES)
    @pytest.mark.parametrize("delta", [-0.1, -0.02, 0.03])
    def test_of_a_difference_stands_on_the_likeliest_shares(self, pairs: Pairs, delta: float) -> None:
        assert difference_score(pairs, delta) == pytest.approx(by_likelihood(pairs, 1.0, delta), rel=1e-4)

    def test_without_a_bar_are_mcnemars_own(self) -> None:
        expected = (12 - 5) / math.sqrt(12 + 5)
        assert ratio_score(TABLES[0], 1.0)[0] == pytest.approx(expected)
        assert difference_score(TABLES[0], 0.0) == pytest.approx(expected)


class TestMcnemar:
    def test_counts_who_is_right(self) -> None:
        champion, challenger = np.array([1, 1, 0, 0, 0], dtype=bool), np.array([1, 0, 1, 1, 0], dtype=bool)
        assert count_pairs(champion, challenger) == Pairs(both=1, won=2, lost=1, rows=5)

    @pytest.mark.parametrize("pairs", TABLES)
    @pytest.mark.parametrize("bar", [-0.05, 0.02])
    def test_bounds_are_where_the_score_is_the_quantile(self, pairs: Pairs, bar: float) -> None:
        found = mcnemar(pairs, Question(bar, 0.05, True))
        assert ratio_score(pairs, 1 + found.low)[0] == pytest.approx(1.6448536, abs=1e-6)
        assert ratio_score(pairs, 1 + found.high)[0] == pytest.approx(-1.6448536, abs=1e-6)
        assert found.p == pytest.approx(norm.sf(ratio_score(pairs, 1 + bar)[0]))
        assert (found.p <= 0.05) == (found.low >= bar)

    def test_bounds_never_contradict_the_exact_test(self) -> None:
        for won in range(13):
            for lost in range(13):
                found = mcnemar(Pairs(60, won, lost, 100), Question(0.0, 0.05, True))
                assert (found.p <= 0.05) == (found.low > 0) == (found.difference_low > 0), (won, lost)
                assert (found.p_worse <= 0.05) == (found.high < 0), (won, lost)

    def test_equal_answers_on_few_rows_do_not_show_that_none_is_worse(self) -> None:
        few, many = (mcnemar(Pairs(rows, 0, 0, rows), Question(-0.05, 0.05, True)) for rows in (20, 200))
        assert few.p > 0.05 >= many.p

    def test_a_champion_that_is_never_right_has_no_upper_bound(self) -> None:
        found = mcnemar(Pairs(0, 8, 0, 20), Question(0.0, 0.05, True))
        assert found.p == pytest.approx(0.5**9)
        assert found.high == 1e6
