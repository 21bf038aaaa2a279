"""A metric within bounds: its interval, its worst rows, and the answers it cannot read."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import CalibrationCheck, MetricCheck, ModelSuite
from ml.encoding import Extra
from ml.estimates import influence, interval, newcombe, standard_error, wilson
from ml.metrics import METRICS, CannotScore
from ml.model_checks.subject import Subject
from ml.model_checks.table import CHECKS
from ml.models import Model, Predictions
from tests.ml.model_checks.told import Columns, Told, encloses, judge, refusal, second

LINE = pl.DataFrame({"x": np.arange(100.0), "y": np.arange(100.0)})
COINS = pl.DataFrame({"x": np.linspace(0, 1, 100), "y": ["no", "yes"] * 50})


def straight(shift: float = 0.0) -> Told:
    return Told(lambda columns: columns["x"] + shift, ["x"])


def coin() -> Told:
    return Told(lambda columns: second(columns["x"]), ["x"], ["no", "yes"])


class TestIntervals:
    def test_of_shares_are_those_of_the_papers(self) -> None:
        assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
        assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)

    def test_of_a_share_stay_inside_and_open_at_the_ends(self) -> None:
        assert wilson(30, 30)[1] == pytest.approx(1)
        assert wilson(30, 30)[0] < 0.9

    @pytest.mark.parametrize("name", ["auc", "f1", "log_loss", "accuracy"])
    def test_of_metrics_agree_with_a_bootstrap(self, subject: Subject, name: str) -> None:
        metric, few = METRICS[name], subject.take(np.arange(600))
        influences = influence(metric, few.y, few.predictions)
        assert influences is not None
        generator = np.random.default_rng(0)
        drawn = [generator.integers(0, 600, 600) for _ in range(200)]
        values = [metric.compute([few.y[row] for row in rows], few.predictions.take(rows)) for rows in drawn]
        assert standard_error(influences) == pytest.approx(np.std(values), rel=0.25)
        assert influences.mean() == pytest.approx(0, abs=1e-9)

    def test_of_f1_with_a_class_that_is_never_right_are_not_known(self) -> None:
        answers = Predictions(["no"] * 10, None, ["no", "yes"])
        assert interval(METRICS["f1"], ["no"] * 9 + ["yes"], answers, 0.5) is None


class TestMetric:
    def test_has_an_interval_and_the_worst_rows_when_it_fails(self) -> None:
        wild = Told(lambda columns: columns["x"] + np.where(columns["x"] == 7, 50, 1), ["x"])
        result = judge({"check": "metric", "metric": "mae", "max": 1}, wild, LINE)
        assert (result.verdict, result.rows) == ("fail", 100)
        assert result.value == pytest.approx(1.49)
        assert encloses(result, 1.49)
        assert result.examples[0] == {"row": 7, "instance": {"x": 7.0}, "expected": 7.0, "got": 57.0}
        assert "mae is 1.49 on 100 rows (95 % interval 0.5344 to 2.446); asked: at most 1." in result.message

    def test_of_the_rows_of_its_where_counts_them_and_keeps_their_numbers(self) -> None:
        result = judge({"check": "metric", "metric": "mae", "max": 1, "where": "x >= 90"}, straight(2), LINE)
        assert (result.verdict, result.rows, result.examples[0]["row"]) == ("fail", 10, 90)

    def test_carries_its_name_and_severity(self) -> None:
        document = {"check": "metric", "metric": "mae", "max": 1, "name": "close", "severity": "warn"}
        result = judge(document, straight(2), LINE)
        assert (result.name, result.severity) == ("close", "warn")


ASKED: list[dict[str, Any]] = [
    {"check": "metric", "metric": "accuracy", "min": 0},
    {"check": "target_distribution"},
    {"check": "slices", "by": ["x"], "metric": "accuracy"},
    {"check": "weak_slices", "metric": "accuracy"},
    {"check": "calibration"},
    {"check": "leakage"},
    {"check": "unused_features"},
    {"check": "fairness", "by": "y", "favourable": "yes"},
]


@pytest.mark.parametrize("document", ASKED, ids=lambda document: str(document["check"]))
class TestEveryCheckOfRows:
    def test_is_vacuous_when_its_where_leaves_none(self, document: dict[str, Any]) -> None:
        result = judge({**document, "where": "x > 5"}, coin(), COINS)
        assert (result.verdict, result.vacuous, result.rows) == ("inconclusive", True, 0)
        assert "No row of 100 has x > 5" in result.message

    @pytest.mark.parametrize("bad", [1.5, -0.1, math.nan])
    def test_fails_with_the_first_row_whose_probability_is_none(self, document: dict[str, Any], bad: float) -> None:
        broken = Told(lambda columns: second(np.where(columns["x"] > 0.9, bad, 0.5)), ["x"], ["no", "yes"])
        result = judge(document, broken, COINS)
        assert result.verdict == "fail"
        assert "10 of 100 answers are no probabilities between 0 and 1: first that of row 90." in result.message
        assert (result.examples[0]["row"], len(result.examples)) == (90, 10)
        assert "NaN" not in result.model_dump_json()

    def test_refuses_a_where_with_an_unknown_column(self, document: dict[str, Any]) -> None:
        assert "names 'xx', which is not a column. Did you mean 'x'?" in refusal(
            {**document, "where": "xx > 0"}, coin(), COINS
        )


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("document", [{"check": "metric", "metric": "mae", "max": 9}, {"check": "calibration"}])
def test_numbers_that_are_not_finite_fail_with_the_first_row(document: dict[str, Any], bad: float) -> None:
    broken = Told(lambda columns: np.where(columns["x"] == 3, bad, columns["x"]), ["x"])
    result = judge(document, broken, LINE)
    assert result.verdict == "fail"
    assert "1 of 100 answers are not finite numbers: first that of row 3." in result.message
    assert result.examples[0]["got"] == str(bad)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"check": "metric", "metric": "accuracy", "min": 0},
            "accuracy does not fit regression. Use one of mae, rmse, r2",
        ),
        ({"check": "metric", "metric": "maee", "max": 0}, "There is no metric 'maee'. Did you mean 'mae'"),
        ({"check": "slices", "by": ["x"], "metric": "auc"}, "auc does not fit regression."),
        ({"check": "slices", "by": ["xx"], "metric": "mae"}, "no column 'xx' among the frozen rows. Did you mean 'x'"),
        ({"check": "slices", "named": {"a": "z > 1"}, "metric": "mae"}, "names 'z', which is not a column"),
        ({"check": "weak_slices", "metric": "mae", "columns": ["xx"]}, "no column 'xx' among the frozen rows."),
        ({"check": "weak_slices", "metric": "r2"}, "r2 is no mean over rows, which the search adds up. Use mae"),
        (
            {"check": "fairness", "by": "xx", "favourable": "yes"},
            "no column 'xx' among the frozen rows. Did you mean 'x'",
        ),
        (
            {"check": "fairness", "by": "x", "favourable": 1},
            "equal_opportunity is about labels; this model answers with",
        ),
    ],
)
def test_what_does_not_fit_a_regression_is_refused(document: dict[str, Any], words: str) -> None:
    assert words in refusal(document, straight(), LINE)


@pytest.mark.parametrize(
    "document", [{"check": "metric", "metric": "mae", "max": 1}, {"check": "weak_slices", "metric": "rmse"}]
)
def test_a_metric_of_numbers_does_not_fit_labels(document: dict[str, Any]) -> None:
    assert "does not fit classification. Use one of accuracy, log_loss, f1, auc" in refusal(document, coin(), COINS)


class Bare:
    """A model that tells its answers and not how sure it is."""

    def __init__(self, model: Model) -> None:
        self.package, self.signature, self._model = model.package, model.signature, model

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self._bared(self._model.predict(instances, extra=extra))

    def predict_columns(self, columns: Columns) -> Predictions:
        return self._bared(self._model.predict_columns(columns))

    def _bared(self, answers: Predictions) -> Predictions:
        return Predictions(answers.values, None, answers.classes)


def test_labels_without_probabilities_cannot_be_calibrated(subject: Subject) -> None:
    bare = replace(subject, model=Bare(subject.model))
    with pytest.raises(CannotScore, match="gives no probabilities to calibrate"):
        CHECKS["calibration"](CalibrationCheck(), bare)
    assert CHECKS["metric"](MetricCheck(metric="accuracy", min=0.99), bare).examples[0]["got"] in {"<=50K.", ">50K."}
    for kind in ("leakage", "unused_features", "target_distribution"):
        [check] = ModelSuite.model_validate({"checks": [{"check": kind}]}).checks
        assert CHECKS[kind](check, bare).verdict == "pass"
