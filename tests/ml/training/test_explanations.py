"""Contributions equal their closed forms, add up, and are as far off as their standard errors say."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.explanations import Columns, ablation, shapley

WEIGHTS = np.array([2.0, -1.0, 0.5, 3.0, 0.0, 1.5, -2.5, 0.25, 4.0, -0.75])


def columns(table: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    return {f"x{place}": table[:, place] for place in range(table.shape[1])}


def stacked(rows: Columns) -> NDArray[np.float64]:
    return np.stack(list(rows.values()), axis=1)


def linear(rows: Columns) -> NDArray[np.float64]:
    table = stacked(rows)
    return np.asarray(7.0 + table @ WEIGHTS[: table.shape[1]], dtype=np.float64)


def crossed(rows: Columns) -> NDArray[np.float64]:
    """No feature counts by itself alone."""
    table = stacked(rows)
    return table[:, 0] * table[:, 1] + np.maximum(table[:, 2], table[:, -1])


@pytest.fixture
def background() -> NDArray[np.float64]:
    return np.random.default_rng(4).normal(1.0, 2.0, (40, 10))


class TestShapley:
    @pytest.mark.parametrize("features", [1, 3, 8, 10])
    def test_of_a_linear_model_is_the_weight_times_the_distance_from_the_mean(
        self, background: NDArray[np.float64], features: int
    ) -> None:
        around = background[:, :features]
        row = np.linspace(-3.0, 3.0, features)[None, :]
        shares, exact = shapley(linear, columns(row), columns(around), permutations=2, seed=1)
        assert exact == (features <= 8)
        assert shares.contributions == pytest.approx(WEIGHTS[:features] * (row[0] - around.mean(axis=0)))
        assert shares.base == pytest.approx(linear(columns(around)).mean())
        spread = np.abs(WEIGHTS[:features]) * around.std(axis=0, ddof=1) / np.sqrt(40)
        assert shares.errors == pytest.approx(spread)

    @pytest.mark.parametrize("most_exact", [0, 8])
    def test_adds_up_to_the_answer_less_the_base(self, background: NDArray[np.float64], most_exact: int) -> None:
        around = background[:, :5]
        row = np.array([[3.0, -2.0, 1.0, 0.0, 2.0]])
        shares, _ = shapley(crossed, columns(row), columns(around), permutations=3, seed=2, most_exact=most_exact)
        assert shares.prediction == pytest.approx(crossed(columns(row))[0])
        assert shares.contributions.sum() == pytest.approx(shares.prediction - shares.base)

    def test_sampled_is_near_the_exact_one_and_nearer_with_more(self, background: NDArray[np.float64]) -> None:
        around, row = columns(background[:, :5]), columns(np.array([[3.0, -2.0, 1.0, 0.0, 2.0]]))
        exact, _ = shapley(crossed, row, around, permutations=1, seed=0)
        off = [
            np.abs(
                shapley(crossed, row, around, permutations=many, seed=5, most_exact=0)[0].contributions
                - exact.contributions
            ).max()
            for many in (1, 200)
        ]
        assert off[1] < 0.1
        assert off[1] < off[0]

    def test_a_feature_that_means_nothing_has_nothing(self, background: NDArray[np.float64]) -> None:
        around, row = columns(background[:, :5]), columns(np.ones((1, 5)))
        shares, _ = shapley(crossed, row, around, permutations=5, seed=0, most_exact=0)
        assert shares.contributions[3] == pytest.approx(0.0)

    def test_is_the_same_for_the_same_seed(self, background: NDArray[np.float64]) -> None:
        around, row = columns(background), columns(np.ones((1, 10)))
        first, again, other = (
            shapley(crossed, row, around, permutations=2, seed=seed)[0].contributions for seed in (3, 3, 4)
        )
        assert (first == again).all()
        assert not (first == other).all()

    def test_mixes_words_numbers_and_nulls(self) -> None:
        around: dict[str, NDArray[Any]] = {
            "word": np.array(["a", "b", None], dtype=object),
            "number": np.array([1.0, np.nan, 3.0]),
        }
        row: dict[str, NDArray[Any]] = {"word": np.array(["b"], dtype=object), "number": np.array([2.0])}

        def value(rows: Columns) -> NDArray[np.float64]:
            words = np.array([word == "b" for word in rows["word"]], dtype=np.float64)
            return np.asarray(words + np.nan_to_num(rows["number"]), dtype=np.float64)

        shares, _ = shapley(value, row, around, permutations=1, seed=0)
        assert shares.contributions == pytest.approx([1 - 1 / 3, 2 - 4 / 3])


class TestAblation:
    @staticmethod
    def cheerful(rows: Columns) -> NDArray[np.float64]:
        return np.array([0.1 + 0.3 * text.lower().count("good") - 0.2 * text.count("bad") for text in rows["text"]])

    def test_a_word_counts_by_what_its_absence_costs(self) -> None:
        row = {"text": np.array(["Good food, bad service, and good wine"], dtype=object)}
        shares = ablation(self.cheerful, row, ["text"])
        found = dict(zip(shares.features, shares.contributions.tolist(), strict=True))
        assert found == pytest.approx({"good": 0.6, "food": 0, "bad": -0.2, "service": 0, "and": 0, "wine": 0})
        assert [shares.base, shares.prediction] == pytest.approx([0.1, 0.5])

    def test_a_part_of_a_word_is_not_the_word(self) -> None:
        row = {"text": np.array(["goodness good"], dtype=object)}
        shares = ablation(self.cheerful, row, ["text"])
        assert dict(zip(shares.features, shares.contributions.tolist(), strict=True))["good"] == pytest.approx(0.3)

    @pytest.mark.parametrize("text", ["", "?!", None])
    def test_no_words_have_no_contributions(self, text: str | None) -> None:
        shares = ablation(lambda rows: np.zeros(len(rows["text"])), {"text": np.array([text], dtype=object)}, ["text"])
        assert shares.features == []
