"""E-values: right against SciPy, and what makes them valid, computed and not drawn by lot."""

import itertools
import math

import pytest
from scipy import integrate, stats

from domain.deployments.sequential import (
    divergence,
    log_beta_above,
    log_e_above,
    log_e_below,
    log_e_difference,
    over_steps,
    share_of_bad,
)


@pytest.mark.parametrize("x", [1e-9, 0.001, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999])
@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 5), (50, 2), (1000, 50), (50, 10**5), (10**6, 10**6)])
def test_beta_tail_is_that_of_scipy(x: float, a: int, b: int) -> None:
    known = float(stats.beta.logsf(x, a, b))
    if math.isfinite(known):
        assert log_beta_above(x, a, b) == pytest.approx(known, rel=1e-6, abs=1e-9)
    else:  # below what SciPy can hold
        assert log_beta_above(x, a, b) < -700


@pytest.mark.parametrize(("hits", "misses"), [(0, 0), (3, 0), (0, 30), (7, 40)])
def test_bet_is_the_mixture_over_all_chances_above(hits: int, misses: int) -> None:
    def likelihood(chance: float) -> float:
        return (chance / 0.1) ** hits * ((1 - chance) / 0.9) ** misses / 0.9

    known, _ = integrate.quad(likelihood, 0.1, 1)
    assert math.exp(log_e_above(0.1, hits, misses)) == pytest.approx(known, rel=1e-6)


@pytest.mark.parametrize("chance", [0.0, 0.05, 0.2])
def test_bet_gains_nothing_on_average_at_or_below_the_bound(chance: float) -> None:
    """The next event of any history multiplies it by at most one on average: it stays valid however it is watched."""
    for hits, misses in itertools.product(range(0, 30, 3), range(0, 60, 6)):
        now, hit, miss = (log_e_above(0.2, hits + up, misses + down) for up, down in ((0, 0), (1, 0), (0, 1)))
        assert chance * math.exp(hit - now) + (1 - chance) * math.exp(miss - now) <= 1 + 1e-9


def test_reverse_bet_wins_where_the_other_loses() -> None:
    assert log_e_below(0.2, 2, 98) > math.log(100) > 0 > log_e_above(0.2, 2, 98)


@pytest.mark.parametrize(("share", "mirror"), [(0.05, 0.1), (0.5, 0.0), (0.0, 1.0), (0.0, 0.3)])
@pytest.mark.parametrize("often", [0.1, 0.9])
def test_bet_on_a_difference_gains_nothing_on_average_at_the_margin(share: float, mirror: float, often: float) -> None:
    """One request of a control that is in the set `often`, and a candidate that is by the margin more often."""
    margin = 0.1
    reach = (share + (1 - share) * mirror, 1 - share)
    mean = 0.0
    for copied, both in ((True, True), (True, False), (False, True)):
        # The two answers to a copy are as alike as can be; or the request was drawn for one alone.
        ours, theirs = often + margin, often
        chance = (1 - share) * mirror if copied else 0.0
        if copied and both:
            outcomes = [((1, 1), theirs), ((1, 0), ours - theirs), ((0, 0), 1 - ours)]
        elif copied:
            continue
        else:
            alone = [(share, ((1, 0), ours)), ((1 - share) * (1 - mirror), ((0, 1), theirs))]
            for part, (hits, probability) in alone:
                mean += part * probability * math.exp(log_e_difference(margin, reach, hits, 1))
                mean += part * (1 - probability) * math.exp(log_e_difference(margin, reach, (0, 0), 1))
            continue
        mean += chance * sum(p * math.exp(log_e_difference(margin, reach, hits, 1)) for hits, p in outcomes)
    assert mean <= 1 + 1e-9


def test_steps_are_a_product_that_also_sees_a_late_fault() -> None:
    assert over_steps([]) == 0
    assert over_steps([20.0]) == pytest.approx(math.log(0.5 * math.exp(20) + 0.5))
    assert over_steps([-50.0, -50.0, 20.0]) == pytest.approx(20 - math.log(12), abs=1e-6)
    assert over_steps([10.0, 10.0]) == pytest.approx(20 - math.log(2), abs=1e-3)


def test_bad_events_are_shared_by_the_odds() -> None:
    assert share_of_bad(1.0, 1.0) == 0.5
    assert share_of_bad(0.05 / 0.95, 1.0) == pytest.approx(0.05)
    assert share_of_bad(1.0, 3.0) == 0.75


def test_divergence_is_endless_for_nothing_and_zero_for_the_same() -> None:
    assert divergence(0.3, 0.3) == 0
    assert divergence(1.0, 0.5) == pytest.approx(math.log(2))
