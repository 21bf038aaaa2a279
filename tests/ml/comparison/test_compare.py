"""The paired test: equal models are not promoted, clearly better ones are, and every figure is reproducible."""

import math
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from domain.model_checks.specs import Hypothesis, PairedComparison
from domain.registry.specs import Label
from ml.comparison.compare import compare
from ml.comparison.inputs import NothingToCompare
from ml.comparison.power import rows_needed
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
    assert (found.effect, found.p_value, found.rows_excluded) == (-1e6, 0.75, 7)  # two rows against it: 1 - 2^-2


def test_refuses_no_rows_and_undefined_metrics() -> None:
    with pytest.raises(NothingToCompare):
        compare_mae([], Predictions([]), Predictions([]), alpha=0.05, min_effect=0.0)
    same = Predictions([0, 0], np.array([[0.6, 0.4]] * 2), [0, 1])
    with pytest.raises(NothingToCompare):
        compare_classes("auc", [0, 0], same, same, alpha=0.05, min_effect=0.0)


def test_refuses_a_metric_defined_on_too_few_resamples() -> None:
    classes: list[Label] = list("abcdefghij")
    y = classes * 2  # two rows each: few resamples hold all ten
    models = Predictions(y, np.full((20, 10), 0.1), classes)
    with pytest.raises(NothingToCompare, match="most resamples"):
        compare_classes("auc", y, models, models, alpha=0.05, test="bootstrap")


class TestChoice:
    @pytest.mark.parametrize(
        ("metric", "in_time", "expected"),
        [
            ("accuracy", False, "mcnemar"),
            ("auc", False, "delong"),
            ("log_loss", False, "bootstrap"),
            ("f1", False, "bootstrap"),
            ("accuracy", True, "diebold_mariano"),
            ("auc", True, "diebold_mariano"),
            ("log_loss", True, "diebold_mariano"),
            ("f1", True, "bootstrap"),
        ],
    )
    def test_auto_takes_the_test_that_suits_the_metric(self, metric: str, in_time: bool, expected: str) -> None:
        found = compare_classes(metric, *shifted(), alpha=0.05, time_ordered=in_time)
        assert found.test == expected
        assert (found.p_value <= 0.05) == (found.low >= 0)

    def test_different_tests_of_one_metric_come_close(self) -> None:
        y, champion, challenger = shifted(1500)
        for metric, tests in {"accuracy": ("mcnemar", "bootstrap"), "auc": ("delong", "bootstrap")}.items():
            one, other = (
                compare_classes(metric, y, champion, challenger, alpha=0.05, min_effect=0.01, test=test)
                for test in tests
            )
            width = one.high - one.low
            assert other.low == pytest.approx(one.low, abs=0.1 * width)
            assert other.high == pytest.approx(one.high, abs=0.1 * width)


class TestSwapping:
    @pytest.mark.parametrize("metric", ["accuracy", "auc", "log_loss", "f1"])
    @pytest.mark.parametrize("in_time", [True, False])
    def test_turns_the_difference_and_the_p_value_round(self, metric: str, in_time: bool) -> None:
        y, champion, challenger = shifted()
        here = compare_classes(metric, y, champion, challenger, alpha=0.05, time_ordered=in_time)
        there = compare_classes(metric, y, challenger, champion, alpha=0.05, time_ordered=in_time)
        # The bootstrap's p-value stands on its resamples, and on the observed sample as one more.
        close = 0.03 if here.test == "bootstrap" else 1e-9
        assert here.difference == pytest.approx(-figure(there.difference))
        assert here.p_value + there.p_value == pytest.approx(1, abs=close)
        width = figure(here.difference_high) - figure(here.difference_low)
        assert here.difference_low == pytest.approx(-figure(there.difference_high), abs=max(close, 1e-9) * width * 3)


class TestNonInferiority:
    @pytest.mark.parametrize("metric", ["accuracy", "auc", "log_loss", "f1"])
    def test_equal_models_pass_with_a_margin_and_not_as_better(self, metric: str) -> None:
        generator = np.random.default_rng(27)
        y, champion, challenger = skilled(generator, 3000, (1.0, 1.0))
        asked = partial(compare_classes, metric, y, champion, challenger, alpha=0.05)
        allowed = asked(hypothesis="non_inferiority", margin=0.1)
        assert allowed.p_value <= 0.05
        assert allowed.low >= -0.1
        assert asked().p_value > 0.05

    @pytest.mark.parametrize(("metric", "margin"), [("accuracy", 0.05), ("log_loss", 0.1), ("auc", 0.03)])
    def test_models_worse_by_just_the_margin_pass_no_more_often_than_alpha(self, metric: str, margin: float) -> None:
        """The champion's answers in other rows' order are as good as its own; then made worse by the margin."""
        generator = np.random.default_rng(22)
        passed, runs = 0, 150
        for run in range(runs):
            y, champion, challenger = worse_by(metric, margin, generator)
            found = compare_classes(
                metric, y, champion, challenger, alpha=0.05, hypothesis="non_inferiority", margin=margin, seed=run
            )
            passed += found.p_value <= 0.05
        assert passed <= runs * 0.05 + 3 * math.sqrt(runs * 0.05 * 0.95)
        assert passed > 0 or metric == "auc"

    def test_says_the_rows_that_equal_models_need(self) -> None:
        y, champion, challenger = skilled(np.random.default_rng(23), 100, (1.0, 1.0))
        found = compare_classes(
            "accuracy", y, champion, challenger, alpha=0.05, hypothesis="non_inferiority", margin=0.02
        )
        assert found.p_value > 0.05
        assert figure(found.rows_needed) > 1000


class TestPower:
    def test_rows_needed_have_the_power_they_promise(self) -> None:
        generator = np.random.default_rng(24)
        told, runs = 0, 120
        wide = compare_mae(*regression(generator, 20_000, 0.9), alpha=0.05)
        error = (wide.high - wide.low) / 2 / 1.645 * math.sqrt(20_000)
        needed = rows_needed(1, 0.1, error, 0.05, 0.8)
        assert needed is not None
        for run in range(runs):
            told += compare_mae(*regression(generator, needed, 0.9), alpha=0.05, seed=run).p_value <= 0.05
        assert 0.68 <= told / runs <= 0.91  # three standard deviations either way

    def test_of_a_clear_improvement_is_high_and_of_equals_that_of_chance(self) -> None:
        clear = compare_mae(*regression(np.random.default_rng(25), 500, 0.7), alpha=0.05)
        same = compare_mae([0.0] * 9, *[Predictions([1.0] * 9)] * 2, alpha=0.05)
        assert figure(clear.power) > 0.99
        assert (same.power, same.rows_needed) == (0.05, None)

    def test_rows_that_do_not_vary_take_as_many_as_the_sign_test(self) -> None:
        found = compare_mae([0.0] * 2, Predictions([2.0] * 2), Predictions([1.0] * 2), alpha=0.05)
        assert (found.p_value, found.rows_needed) == (0.25, 5)

    def test_the_detectable_effect_is_told_with_that_power(self) -> None:
        y, champion, challenger = regression(np.random.default_rng(26), 400)
        found = compare_mae(y, champion, challenger, alpha=0.05, min_effect=0.01)
        needed = rows_needed(400, figure(found.detectable_effect) - 0.01, error_of(found), 0.05, 0.8)
        assert needed is not None
        assert needed <= 402


class TestEvidence:
    def test_stored_before_there_were_tests_by_name_still_reads(self) -> None:
        old = one("accuracy").model_dump(
            include={
                *(
                    "metric",
                    "higher_is_better",
                    "rows",
                    "rows_excluded",
                    "champion_value",
                    "challenger_value",
                    "effect",
                ),
                *("low", "high", "p_value", "alpha", "min_effect", "rows_needed", "method"),
            }
        )
        read = PairedComparison.model_validate(old)
        assert (read.test, read.hypothesis, read.slices) == (None, "superiority", [])

    @pytest.mark.parametrize("metric", ["accuracy", "auc", "log_loss", "f1"])
    @pytest.mark.parametrize("in_time", [True, False])
    def test_is_the_same_bit_by_bit_whatever_threads_there_are(self, metric: str, in_time: bool) -> None:
        y, champion, challenger = shifted()
        everything = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                found = compare_classes(
                    metric,
                    y,
                    champion,
                    challenger,
                    alpha=0.01,
                    time_ordered=in_time,
                    slices={"first": np.arange(150), "last": np.arange(150, 300)},
                )
                everything.append(found.model_dump_json())
        assert everything[0] == everything[1]

    def test_is_made_of_finite_numbers_however_odd_the_rows(self) -> None:
        """What is stored is JSON, which knows neither NaN nor infinity."""
        asked_for: list[Hypothesis] = ["superiority", "non_inferiority"]
        odd: list[Case] = [
            ([0.0], Predictions([1.0]), Predictions([2.0])),
            ([0.0, 0.0], Predictions([0.0, 0.0]), Predictions([0.0, 0.0])),
            ([0.0] * 40, Predictions([1.0] * 40), Predictions([0.0] * 40)),
            ([0.0] * 3, Predictions([1e-200] * 3), Predictions([1e60, 0.0, 1.0])),
        ]
        for metric in ("mae", "rmse"):
            for y, champion, challenger in odd:
                for in_time in (True, False):
                    for asked in asked_for:
                        found = compare(
                            metric,
                            y,
                            champion,
                            challenger,
                            task="regression",
                            alpha=0.05,
                            hypothesis=asked,
                            margin=0.1,
                            time_ordered=in_time,
                        )
                        numbers = [value for value in found.model_dump().values() if isinstance(value, float)]
                        assert np.isfinite(numbers).all(), (metric, y, in_time)


def figure(value: float | None) -> float:
    assert value is not None
    return value


def error_of(found: PairedComparison) -> float:
    """The standard error behind a detectable effect: 2.4865 of them at alpha 0.05 and a power of 0.8."""
    return (figure(found.detectable_effect) - found.min_effect) / 2.486475


def skilled(generator: np.random.Generator, rows: int, skills: tuple[float, float]) -> Case:
    """Two classes, and two models whose log odds lean to the truth by their skill, with some noise in common."""
    truth = generator.integers(0, 2, rows)
    shared = generator.normal(0, 0.7, rows)
    models = []
    for skill in skills:
        p = 1 / (1 + np.exp(-(skill * (2 * truth - 1) + shared + generator.normal(0, 0.7, rows))))
        models.append(Predictions((p > 0.5).astype(int).tolist(), np.stack([1 - p, p], axis=1), [0, 1]))
    return truth.tolist(), models[0], models[1]


def shifted(rows: int = 300) -> Case:
    return skilled(np.random.default_rng(20), rows, (0.8, 1.0))


def worse_by(metric: str, margin: float, generator: np.random.Generator, rows: int = 400) -> Case:
    """Equal models, of which the challenger is then worse by exactly `margin` in expectation."""
    y, champion, challenger = skilled(generator, rows, (1.0, 1.0))
    assert champion.probabilities is not None
    assert challenger.probabilities is not None
    truth = np.array(y, dtype=int)
    right = challenger.probabilities[np.arange(rows), truth]
    if metric == "accuracy":
        spoilt = (np.array(challenger.values) == truth) & (generator.random(rows) < margin)
        return y, champion, Predictions(np.where(spoilt, 1 - truth, challenger.values).tolist(), None, [0, 1])
    if metric == "log_loss":
        right = right ** (1 + margin)
        table = np.where(np.eye(2)[truth] > 0, right[:, None], 1 - right[:, None])
        return y, champion, Predictions(challenger.values, table, [0, 1])
    # auc: the area is 0.5 for scores of lots, so a share of rows' scores drawn anew lowers it by more than the margin
    lots = generator.random(rows) < 2 * margin
    score = np.where(lots, generator.random(rows), challenger.probabilities[:, 1])
    return y, champion, Predictions(challenger.values, np.stack([1 - score, score], axis=1), [0, 1])
