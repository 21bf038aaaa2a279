"""The metrics a model is judged by, in one table: for trainers, model checks, the paired test and monitoring.

Most are a smooth function of means of per-row numbers (`components`); such a metric can be resampled without
computing it anew from the rows, which is what makes the paired bootstrap of `ml.comparison` quick.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from domain.errors import Invalid
from domain.registry.specs import Label, Task
from ml.models import Predictions
from ml.values import did_you_mean

Floats = NDArray[np.float64]
Components = Callable[[Sequence[Label], Predictions], Floats]
_CLASSES: Final[frozenset[Task]] = frozenset({"classification", "text_classification"})
_NUMBERS: Final[frozenset[Task]] = frozenset({"regression"})


class UnknownMetric(Invalid):
    code = "unknown_metric"


class CannotScore(Invalid):
    code = "cannot_score"


@dataclass(frozen=True)
class Metric:
    """`components` gives [rows, m] numbers; `combine` turns their means [..., m] into the metric [...].

    A metric without components (`auc`) has `whole` instead, which computes it from all rows at once.
    A metric that is not defined on the rows given (AUC with one class present) is NaN.
    """

    name: str
    tasks: frozenset[Task]
    higher_is_better: bool
    components: Components | None = None
    combine: Callable[[Floats], Floats] = lambda means: means[..., 0]
    whole: Callable[[Sequence[Label], Predictions], float] | None = None

    def compute(self, y: Sequence[Label], predictions: Predictions) -> float:
        """The metric of `predictions` against the truth `y`, both of the same length, at least one row."""
        if len(y) == 0 or len(y) != len(predictions.values):
            raise CannotScore(f"{len(predictions.values)} predictions cannot be scored against {len(y)} rows.")
        if self.components is None:
            return self.whole(y, predictions) if self.whole else float("nan")
        return float(self.combine(self.components(y, predictions).mean(axis=0)))


def _numbers(y: Sequence[Label], predictions: Predictions) -> tuple[Floats, Floats]:
    return np.asarray(y, dtype=np.float64), np.asarray(predictions.values, dtype=np.float64)


def _absolute(y: Sequence[Label], predictions: Predictions) -> Floats:
    truth, guess = _numbers(y, predictions)
    return np.abs(truth - guess)[:, None]


def _squared(y: Sequence[Label], predictions: Predictions) -> Floats:
    truth, guess = _numbers(y, predictions)
    return ((truth - guess) ** 2)[:, None]


def _root(means: Floats) -> Floats:
    return np.sqrt(means[..., 0])


def _r2_parts(y: Sequence[Label], predictions: Predictions) -> Floats:
    truth, guess = _numbers(y, predictions)
    centred = truth - truth.mean()  # the variance below would lose its digits on targets far from zero
    return np.stack([(truth - guess) ** 2, centred, centred**2], axis=1)


def _r2(means: Floats) -> Floats:
    variance = means[..., 2] - means[..., 1] ** 2
    return 1.0 - np.divide(means[..., 0], variance, out=np.full_like(variance, np.nan), where=variance > 0)


def _right(y: Sequence[Label], predictions: Predictions) -> Floats:
    pairs = zip(y, predictions.values, strict=True)
    return np.fromiter((truth == guess for truth, guess in pairs), dtype=np.float64, count=len(y))[:, None]


def _class_indexes(y: Sequence[Label], predictions: Predictions) -> NDArray[np.int64]:
    """Position of each true label among the classes of the model; -1 for a label the model does not know."""
    index = {label: position for position, label in enumerate(predictions.classes)}
    return np.fromiter((index.get(label, -1) for label in y), dtype=np.int64, count=len(y))


def _log_losses(y: Sequence[Label], predictions: Predictions) -> Floats:
    """Minus the log probability of the true label, which counts as at least 1e-15 (also for an unknown label)."""
    probabilities, index = _probabilities(predictions), _class_indexes(y, predictions)
    chosen = np.where(index >= 0, probabilities[np.arange(len(y)), index], 0.0)
    losses: Floats = -np.log(np.clip(chosen, 1e-15, 1.0))
    return losses[:, None]


def _f1_parts(y: Sequence[Label], predictions: Predictions) -> Floats:
    """Per class (of the model, and of the truth beyond it): is it predicted right, predicted, true."""
    labels = sorted({*y, *predictions.values, *predictions.classes}, key=str)
    index = {label: position for position, label in enumerate(labels)}
    eye = np.eye(len(labels))
    truth = eye[[index[label] for label in y]]
    guess = eye[[index[label] for label in predictions.values]]
    return np.concatenate([truth * guess, truth + guess], axis=1)


def _f1(means: Floats) -> Floats:
    """Mean over the classes that occur of 2 x right / (true + predicted)."""
    right, both = np.split(means, 2, axis=-1)
    scores = np.divide(2.0 * right, both, out=np.full_like(right, np.nan), where=both > 0)
    mean: Floats = np.nanmean(scores, axis=-1)
    return mean


def _auc(y: Sequence[Label], predictions: Predictions) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney); more than two classes: the mean of one against the rest."""
    probabilities, index = _probabilities(predictions), _class_indexes(y, predictions)
    columns = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = []
    for column in columns:
        positive = index == column
        n = int(positive.sum())
        others = len(y) - n
        if n == 0 or others == 0:
            return float("nan")
        ranks = rankdata(probabilities[:, column])
        areas.append((ranks[positive].sum() - n * (n + 1) / 2) / (n * others))
    return float(np.mean(areas))


def _probabilities(predictions: Predictions) -> Floats:
    if predictions.probabilities is None:
        raise CannotScore("The model gives no probabilities.", where="metric", fix="Use accuracy or f1.")
    return predictions.probabilities


METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("mae", _NUMBERS, higher_is_better=False, components=_absolute),
        Metric(
            "rmse", _NUMBERS, higher_is_better=False, components=_squared, combine=lambda means: np.sqrt(means[..., 0])
        ),
        Metric("r2", _NUMBERS, higher_is_better=True, components=_r2_parts, combine=_r2),
        Metric("accuracy", _CLASSES, higher_is_better=True, components=_right),
        Metric("log_loss", _CLASSES, higher_is_better=False, components=_log_losses),
        Metric("f1", _CLASSES, higher_is_better=True, components=_f1_parts, combine=_f1),
        Metric("auc", _CLASSES, higher_is_better=True, whole=_auc),
    )
}
# What an overfitting check compares: in the unit of the target, and close to what the trainers minimise.
LOSS: Final[dict[Task, str]] = {"regression": "rmse", "classification": "log_loss", "text_classification": "log_loss"}


def find_metric(name: str, task: Task) -> Metric:
    """The metric of that name. Raises `UnknownMetric` naming those that fit when it is unknown or of another task."""
    fitting = [metric.name for metric in METRICS.values() if task in metric.tasks]
    metric = METRICS.get(name)
    if metric is None:
        hint = did_you_mean(name, fitting) or f"There are {', '.join(fitting)}."
        raise UnknownMetric(f"There is no metric {name!r}.", where="metric", fix=hint)
    if task not in metric.tasks:
        raise UnknownMetric(f"{name} does not fit {task}.", where="metric", fix=f"Use one of {', '.join(fitting)}.")
    return metric


def compute_all(task: Task, y: Sequence[Label], predictions: Predictions) -> dict[str, float]:
    """Every metric of the task that is defined on these rows, and `loss` (see `LOSS`).

    Of a model that gives no probabilities only those that need none.
    """
    values = {}
    for metric in METRICS.values():
        if task in metric.tasks:
            with suppress(CannotScore):
                values[metric.name] = metric.compute(y, predictions)
    if LOSS[task] in values:
        values["loss"] = values[LOSS[task]]
    return {name: value for name, value in values.items() if np.isfinite(value)}
