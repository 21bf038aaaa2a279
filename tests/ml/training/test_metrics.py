"""The metrics agree with scikit-learn's, and say when they do not apply."""

import numpy as np
import pytest
from sklearn import metrics as reference

from domain.registry.specs import Label, Task
from ml.metrics import CannotScore, UnknownMetric, compute_all, find_metric
from ml.models import Predictions

GENERATOR = np.random.default_rng(5)


def classifier(classes: list[Label], rows: int = 400) -> tuple[list[Label], Predictions]:
    probabilities = GENERATOR.dirichlet(np.ones(len(classes)), rows)
    truth = [classes[i] for i in GENERATOR.integers(0, len(classes), rows)]
    values = [classes[i] for i in probabilities.argmax(axis=1)]
    return truth, Predictions(values, probabilities, classes)


def test_regression_metrics_agree_with_scikit_learn() -> None:
    y = GENERATOR.normal(1e6, 3, 300)
    guess = y + GENERATOR.normal(0, 1, 300)
    found = compute_all("regression", y.tolist(), Predictions(guess.tolist()))
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(y, guess))
    assert found["rmse"] == found["loss"] == pytest.approx(reference.root_mean_squared_error(y, guess))
    assert found["r2"] == pytest.approx(reference.r2_score(y, guess))


@pytest.mark.parametrize("classes", [["no", "yes"], ["a", "b", "c"], [False, True], [1, 2, 5, 9]])
def test_classification_metrics_agree_with_scikit_learn(classes: list[Label]) -> None:
    y, predictions = classifier(classes)
    assert predictions.probabilities is not None
    found = compute_all("classification", y, predictions)
    scores = predictions.probabilities[:, 1] if len(classes) == 2 else predictions.probabilities
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(y, predictions.values))
    assert found["f1"] == pytest.approx(reference.f1_score(y, predictions.values, average="macro"))
    assert found["log_loss"] == pytest.approx(reference.log_loss(y, predictions.probabilities, labels=classes))
    assert found["auc"] == pytest.approx(reference.roc_auc_score(y, scores, multi_class="ovr"))


def test_what_is_not_defined_is_left_out() -> None:
    predictions = Predictions(["no"] * 3, np.array([[0.9, 0.1]] * 3), ["no", "yes"])
    assert "auc" not in compute_all("classification", ["no"] * 3, predictions)
    assert "r2" not in compute_all("regression", [1.0, 1.0], Predictions([1.0, 2.0]))


def test_a_label_the_model_does_not_know_counts_against_it() -> None:
    predictions = Predictions(["no"], np.array([[0.9, 0.1]]), ["no", "yes"])
    assert find_metric("log_loss", "classification").compute(["other"], predictions) == pytest.approx(-np.log(1e-15))
    assert find_metric("accuracy", "classification").compute(["other"], predictions) == 0


@pytest.mark.parametrize(
    ("name", "task", "hint"),
    [("rsme", "regression", "rmse"), ("auc", "regression", "mae"), ("zzz", "regression", "r2")],
)
def test_refuses_a_metric_that_does_not_fit(name: str, task: Task, hint: str) -> None:
    with pytest.raises(UnknownMetric) as refused:
        find_metric(name, task)
    assert hint in (refused.value.fix or "")


@pytest.mark.parametrize("y", [[], [1.0, 2.0]])
def test_refuses_rows_that_do_not_match(y: list[Label]) -> None:
    with pytest.raises(CannotScore):
        find_metric("mae", "regression").compute(y, Predictions([1.0]))


def test_refuses_probabilities_that_are_not_there() -> None:
    with pytest.raises(CannotScore):
        find_metric("log_loss", "classification").compute(["a"], Predictions(["a"], None, ["a", "b"]))
