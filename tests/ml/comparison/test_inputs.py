"""What is refused before any test, with the place that is wrong."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from domain.errors import Invalid
from ml.comparison.compare import compare
from ml.comparison.inputs import BadQuestion, NotProbabilities, NotScores, UnevenRows, UnfitTest
from ml.metrics import CannotScore, UnknownMetric
from ml.models import Predictions

compare_mae = partial(compare, "mae", task="regression", alpha=0.05)
compare_classes = partial(compare, task="classification", alpha=0.05)
GOOD = Predictions([0, 1], np.array([[0.6, 0.4], [0.3, 0.7]]), [0, 1])


def with_probabilities(rows: list[list[float]]) -> Predictions:
    return Predictions([0, 1], np.array(rows), [0, 1])


class TestScores:
    @pytest.mark.parametrize("bad", [math.nan, math.inf, "much", None])
    @pytest.mark.parametrize("where", ["truth", "champion", "challenger"])
    def test_refuses_numbers_that_are_none(self, bad: Any, where: str) -> None:
        three = {"truth": [1.0, 2.0], "champion": [1.0, 2.0], "challenger": [1.0, 2.0]}
        three[where] = [1.0, bad]
        with pytest.raises(NotScores) as refused:
            compare_mae(three["truth"], Predictions([*three["champion"]]), Predictions([*three["challenger"]]))
        assert refused.value.where == where

    @pytest.mark.parametrize("bad", [math.nan, None])
    def test_refuses_labels_that_are_missing(self, bad: Any) -> None:
        with pytest.raises(NotScores, match="in row 1"):
            compare_classes("accuracy", ["a", bad], Predictions(["a", "b"]), Predictions(["a", "b"]))

    def test_refuses_answers_to_other_rows(self) -> None:
        with pytest.raises(UnevenRows, match="The challenger answered 1 of 2 rows") as refused:
            compare_mae([1.0, 2.0], Predictions([1.0, 2.0]), Predictions([1.0]))
        assert refused.value.code == "uneven_rows"


class TestProbabilities:
    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([[0.6, 0.4], [-0.2, 1.2]], "row 1: outside"),
            ([[math.nan, 0.4], [0.5, 0.5]], "row 0: outside"),
            ([[0.6, 0.6], [0.5, 0.5]], "row 0 sum to 1.2"),
            ([[0.6, 0.4]], "not 2 rows of 2 classes"),
            ([[0.6, 0.2, 0.2], [0.6, 0.2, 0.2]], "not 2 rows of 2 classes"),
        ],
    )
    def test_refuses_what_are_no_probabilities(self, rows: list[list[float]], says: str) -> None:
        for metric in ("log_loss", "accuracy"):
            with pytest.raises(NotProbabilities, match=says):
                compare_classes(metric, [0, 1], GOOD, with_probabilities(rows))

    def test_takes_sums_as_32_bit_numbers_have_them(self) -> None:
        rows = [[0.6, 0.4000001], [0.3, 0.7]]
        assert compare_classes("log_loss", [0, 1], GOOD, with_probabilities(rows)).rows == 2

    @pytest.mark.parametrize("metric", ["log_loss", "auc"])
    def test_refuses_a_metric_of_probabilities_without_any(self, metric: str) -> None:
        with pytest.raises(CannotScore):
            compare_classes(metric, [0, 1], GOOD, Predictions([0, 1]))


class TestQuestion:
    @pytest.mark.parametrize(
        "asked",
        [
            {"alpha": 0.0},
            {"alpha": 0.5},
            {"alpha": math.nan},
            {"min_effect": -0.1},
            {"min_effect": math.nan},
            {"margin": math.inf},
            {"slice_margin": -1.0},
            {"power": 1.0},
            {"power": 0.04},
        ],
    )
    def test_refuses_figures_that_ask_nothing(self, asked: dict[str, Any]) -> None:
        with pytest.raises(BadQuestion) as refused:
            compare_mae([1.0], Predictions([1.0]), Predictions([1.0]), **asked)
        assert refused.value.where == next(iter(asked))

    def test_refuses_a_metric_of_another_task(self) -> None:
        with pytest.raises(UnknownMetric, match="mae does not fit classification"):
            compare_classes("mae", [0, 1], GOOD, GOOD)

    @pytest.mark.parametrize(
        ("metric", "test"), [("log_loss", "mcnemar"), ("f1", "diebold_mariano"), ("accuracy", "delong"), ("f1", "chi")]
    )
    def test_refuses_a_test_that_says_nothing_about_the_metric(self, metric: str, test: str) -> None:
        with pytest.raises(UnfitTest, match=f"{test} does not test {metric}") as refused:
            compare_classes(metric, [0, 1], GOOD, GOOD, test=test)
        assert "bootstrap" in (refused.value.fix or "")

    def test_every_refusal_is_final(self) -> None:
        for kind in (BadQuestion, NotProbabilities, NotScores, UnevenRows, UnfitTest):
            assert issubclass(kind, Invalid)
