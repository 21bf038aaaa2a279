"""The alpha budget: what the next comparison on a holdout may use, and that it keeps what it promises."""

import random

import pytest

from domain.promotions.budget import Spent, allot, on_same_holdout
from domain.promotions.champion import AlphaBudget

BONFERRONI, INVESTING, NONE = (
    AlphaBudget.model_validate({"rule": rule}) for rule in ("bonferroni", "investing", "none")
)


def spent(share: float, *, rejected: bool = False, holdout: str = "h", rows: str = "r") -> Spent:
    return Spent(holdout, rows, share, rejected)


class TestBonferroni:
    def test_gives_each_of_twenty_the_same(self) -> None:
        made: list[Spent] = []
        for number in range(1, 21):
            found = allot(BONFERRONI, 0.05, made)
            assert found.number == number
            assert found.share == pytest.approx(0.0025)
            made.append(spent(0.0025))
        found = allot(BONFERRONI, 0.05, made)
        assert (found.share, found.left) == (None, 0.0)
        assert "20 comparisons have been made" in found.message
        assert "Bring a fresh holdout" in found.message

    def test_of_a_shorter_window(self) -> None:
        two = AlphaBudget(window=2)
        assert allot(two, 0.05, [spent(0.025)]).share == 0.025
        assert allot(two, 0.05, [spent(0.025)] * 2).share is None

    def test_counts_what_another_rule_has_spent(self) -> None:
        assert allot(BONFERRONI, 0.05, [spent(0.05)]).share is None

    def test_a_fresh_holdout_begins_anew(self) -> None:
        made = [spent(0.0025)] * 20
        assert allot(BONFERRONI, 0.05, on_same_holdout(made, {"other rows"})).share == pytest.approx(0.0025)


class TestInvesting:
    def test_spends_less_and_less_while_nothing_is_found(self) -> None:
        made: list[Spent] = []
        shares = []
        for _ in range(10):
            share = allot(INVESTING, 0.05, made).share
            assert share is not None
            shares.append(share)
            made.append(spent(share))
        assert shares[0] == pytest.approx(0.05 * 0.95 / 2)
        assert shares == sorted(shares, reverse=True)

    def test_a_find_earns_alpha(self) -> None:
        lost, won = (allot(INVESTING, 0.05, [spent(0.02, rejected=found)]) for found in (False, True))
        assert lost.left is not None
        assert won.left is not None
        assert won.left - lost.left == pytest.approx(0.05 + 0.02 / 0.98)

    def test_cannot_be_in_debt(self) -> None:
        assert allot(INVESTING, 0.05, [spent(0.05), spent(0.05)]).share is None


@pytest.mark.parametrize("budget", [BONFERRONI, INVESTING])
def test_of_chains_of_equal_models_at_most_a_share_alpha_has_a_false_promotion(budget: AlphaBudget) -> None:
    draw, chains, wrong = random.Random(5), 4_000, 0
    for _ in range(chains):
        made: list[Spent] = []
        for _ in range(20):
            share = allot(budget, 0.05, made).share
            if share is None:
                break
            made.append(spent(share, rejected=draw.random() <= share))
        wrong += any(one.rejected for one in made)
    assert 0.02 < wrong / chains < 0.06


def test_no_budget_is_said_loudly() -> None:
    found = allot(NONE, 0.05, [spent(0.05)] * 19)
    assert found.share == 0.05
    assert found.message.startswith("NO ALPHA BUDGET: this is comparison 20")
    assert "64%" in found.message


def test_rows_join_the_holdout_of_those_they_overlap() -> None:
    made = [spent(0.1, rows="a"), spent(0.2, rows="b"), spent(0.3, holdout="other", rows="c")]
    assert [one.share for one in on_same_holdout(made, {"b"})] == [0.1, 0.2]
