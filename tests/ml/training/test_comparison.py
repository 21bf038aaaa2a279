"""The paired test: equal models are not promoted, clearly better ones are, and every figure is reproducible."""

import math
from functools import partial

import numpy as np
import pytest

from domain.model_checks.specs import PairedComparison
from domain.registry.specs import Label
from ml.comparison import NothingToCompare, compare
from ml.models import Predictions

RUNS = 300
compare_mae = partial(compare, "mae", task="regression")
compare_classes = partial(compare, task="classification")
Case = tuple[list[Label], Predictions, Predictions]


def regression(generator: np.random.Generator, rows: int, better: float = 1.0) -> Case:
    """A truth and two models whose errors share half of their size, the second's smaller by the factor `better`."""
    shared = generator.exponential(10, rows)
    errors = [factor * (shared + generator.exponential(10, rows)) for factor in (1.0, better)]
    return [0.0] * rows, Predictions(errors[0].tolist()), Predictions(errors[1].tolist())


def classification(generator: np.random.Generator, rows: int, rates: tuple[float, float]) -> Case:
    """A truth of ones and two models that each find a row with the probability in `rates`."""

    def model(rate: float) -> Predictions:
        right = generator.random(rows) < rate
        probability = np.where(right, 0.8, 0.3)
        return Predictions(right.astype(int).tolist(), np.stack([1 - probability, probability], axis=1), [0, 1])

    return [1] * rows, model(rates[0]), model(rates[1])


def one(
    metric: str, *, alpha: float = 0.05, min_effect: float = 0.0, seed: int = 0, **rates: float
) -> PairedComparison:
    generator = np.random.default_rng(seed)
    y, champion, challenger = classification(generator, 500, (rates.get("old", 0.7), rates.get("new", 0.7)))
    return compare_classes(metric, y, champion, challenger, alpha=alpha, min_effect=min_effect, seed=seed)


@pytest.mark.parametrize("kind", ["mae", "accuracy"])
def test_equal_models_are_promoted_no_more_often_than_alpha(kind: str) -> None:
    generator = np.random.default_rng(11)
    promoted = 0
    for run in range(RUNS):
        if kind == "mae":
            found = compare_mae(*regression(generator, 150), alpha=0.05, min_effect=0.0, seed=run)
        else:
            rows = classification(generator, 150, (0.8, 0.8))
            found = compare_classes("accuracy", *rows, alpha=0.05, min_effect=0.0, seed=run)
        promoted += found.p_value <= 0.05
    # Three standard deviations of a binomial above alpha, and not so few that the test never says yes.
    assert 0 < promoted <= RUNS * 0.05 + 3 * math.sqrt(RUNS * 0.05 * 0.95)


def test_equal_models_are_hardly_ever_promoted_with_a_minimum_effect() -> None:
    generator = np.random.default_rng(12)
    found = [
        compare_mae(*regression(generator, 150), alpha=0.05, min_effect=0.1, seed=run).p_value for run in range(60)
    ]
    assert sum(p <= 0.05 for p in found) <= 3


def test_a_clearly_better_model_is_found() -> None:
    generator = np.random.default_rng(13)
    found = [
        compare_mae(*regression(generator, 300, 0.8), alpha=0.05, min_effect=0.01, seed=run).p_value
        for run in range(40)
    ]
    assert sum(p <= 0.05 for p in found) >= 38


def test_bounds_hold_the_true_effect_as_often_as_they_say() -> None:
    generator = np.random.default_rng(14)
    inside = 0
    for run in range(200):
        found = compare_mae(*regression(generator, 200, 0.9), alpha=0.1, min_effect=0.0, seed=run)
        inside += found.low <= 0.1 <= found.high
    assert 0.72 <= inside / 200 <= 0.88  # an interval at 1 - 2 alpha = 0.8, three standard deviations either way


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "f1", "auc"])
def test_every_metric_tells_better_from_worse(metric: str) -> None:
    generator = np.random.default_rng(15)
    truth = generator.integers(0, 2, 250)
    models = []
    for skill in (0.3, 1.5):
        p = 1 / (1 + np.exp(-(skill * (2 * truth - 1) + generator.normal(0, 1, 250))))
        models.append(Predictions((p > 0.5).astype(int).tolist(), np.stack([1 - p, p], axis=1), [0, 1]))
    better = compare_classes(metric, truth.tolist(), models[0], models[1], alpha=0.05, min_effect=0.01)
    worse = compare_classes(metric, truth.tolist(), models[1], models[0], alpha=0.05, min_effect=0.01)
    assert better.effect > 0.01 > worse.effect
    assert better.p_value <= 0.05
    assert worse.p_value >= 0.95
    assert better.low <= better.effect <= better.high


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_metrics_that_are_no_plain_mean_are_resampled_as_they_are(metric: str) -> None:
    generator = np.random.default_rng(16)
    y = generator.normal(50, 10, 400)
    old, new = (Predictions((y + generator.normal(0, spread, 400)).tolist()) for spread in (5, 4))
    found = compare(metric, y.tolist(), old, new, task="regression", alpha=0.05, min_effect=0.0)
    assert found.low > 0
    assert found.low < found.effect < found.high


def test_the_same_seed_gives_the_same_figures() -> None:
    assert one("log_loss", seed=3, new=0.75) == one("log_loss", seed=3, new=0.75)


def test_identical_models_have_no_effect() -> None:
    y, champion, _ = regression(np.random.default_rng(1), 50)
    found = compare_mae(y, champion, champion, alpha=0.05, min_effect=0.0)
    assert (found.effect, found.low, found.high, found.p_value, found.rows_needed) == (0, 0, 0, 1.0, None)


def test_accuracy_without_minimum_effect_uses_mcnemar_mid_p() -> None:
    """Won 9, lost 1 of 10 discordant pairs: P(X > 9) + P(X = 9) / 2 = (1 + 10 / 2) / 1024."""
    y: list[Label] = [1] * 100
    old: list[Label] = [int(row >= 9) for row in range(100)]
    new: list[Label] = [int(row < 99) for row in range(100)]
    champion, challenger = Predictions(old, None, [0, 1]), Predictions(new, None, [0, 1])
    found = compare_classes("accuracy", y, champion, challenger, alpha=0.05, min_effect=0.0)
    assert found.p_value == pytest.approx(6 / 1024)
    assert "McNemar" in found.method


def test_an_unclear_improvement_says_how_many_rows_would_do() -> None:
    """Right on 350 of 500 against 358: 20 won, 12 lost, an effect of 2.3 % with an error of 1.6 %."""
    champion = Predictions([int(row < 350) for row in range(500)], None, [0, 1])
    challenger = Predictions([int(12 <= row < 370) for row in range(500)], None, [0, 1])
    found = compare_classes("accuracy", [1] * 500, champion, challenger, alpha=0.05, min_effect=0.01)
    assert found.effect == pytest.approx(8 / 350)
    assert found.p_value > 0.05
    assert found.rows_needed == pytest.approx(500 * ((1.645 + 0.842) * 0.0162 / (8 / 350 - 0.01)) ** 2, rel=0.15)


def test_a_worse_challenger_needs_no_more_rows() -> None:
    assert one("accuracy", old=0.8, new=0.6).rows_needed is None


def test_a_perfect_champion_gives_finite_figures() -> None:
    found = compare_mae(
        [0.0, 0.0], Predictions([0.0, 0.0]), Predictions([1.0, 1.0]), alpha=0.05, min_effect=0.0, rows_excluded=7
    )
    assert (found.effect, found.p_value, found.rows_excluded) == (-1e6, 1.0, 7)


def test_refuses_no_rows_and_undefined_metrics() -> None:
    with pytest.raises(NothingToCompare):
        compare_mae([], Predictions([]), Predictions([]), alpha=0.05, min_effect=0.0)
    same = Predictions([0, 0], np.array([[0.6, 0.4]] * 2), [0, 1])
    with pytest.raises(NothingToCompare):
        compare_classes("auc", [0, 0], same, same, alpha=0.05, min_effect=0.0)


def test_refuses_a_metric_defined_on_too_few_resamples() -> None:
    y: list[Label] = list("abcde")  # one row each: few resamples hold all five
    models = Predictions(y, np.full((5, 5), 0.2), y)
    with pytest.raises(NothingToCompare, match="most resamples"):
        compare_classes("auc", y, models, models, alpha=0.05, min_effect=0.0)
