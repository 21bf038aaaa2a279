"""A model that answers what it is told, and tables to ask it about."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.model_checks.specs import ModelCheckResult, ModelSuite, SliceMetric
from domain.registry.specs import Label, Package, Signature
from ml.encoding import Extra
from ml.model_checks.subject import Subject
from ml.model_checks.table import CHECKS
from ml.models import Model, Predictions
from ml.pipelines import SklearnModel
from ml.trainers.train import TrainedModel

Columns = Mapping[str, NDArray[Any]]


class Told:
    """Answers `rule(columns)`: numbers for a regression, else [rows, classes] probabilities."""

    def __init__(self, rule: Callable[[Columns], NDArray[Any]], names: Sequence[str], classes: Sequence[Label] = ()):
        self.signature = Signature.model_validate(
            {
                "task": "classification" if classes else "regression",
                "target": "y",
                "inputs": [{"name": name, "type": "number"} for name in names],
                "classes": list(classes),
            }
        )
        self.package = _package(self.signature)
        self._rule = rule

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        names = [column.name for column in self.signature.inputs]
        return self.predict_columns({name: np.array([row[name] for row in instances]) for name in names})

    def predict_columns(self, columns: Columns) -> Predictions:
        told, classes = self._rule(columns), self.signature.classes
        if not classes:
            return Predictions(told.astype(float).tolist())
        return Predictions([classes[best] for best in np.nan_to_num(told).argmax(axis=1)], told, classes)


def _package(signature: Signature) -> Package:
    return Package(flavor="python", reason="a test", signature=signature, agreement=None, run_id="run", files=[])


def model_of(trained: TrainedModel) -> SklearnModel:
    return SklearnModel(_package(trained.signature), trained.pipeline)


def second(probability: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of two classes from that of the second."""
    return np.stack([1 - probability, probability], axis=1)


def judge(document: dict[str, Any], model: Model, frame: pl.DataFrame, **rest: Any) -> ModelCheckResult:
    """One check, written as a document, on one model; what it refuses comes as the error that it raises."""
    [check] = ModelSuite.model_validate({"checks": [document]}).checks
    return CHECKS[check.gate](check, Subject(model, frame, rest.pop("metrics", {}), seed=0, **rest))


def encloses(result: ModelCheckResult | SliceMetric, value: float) -> bool:
    """Whether the interval of a result is there, and holds the value with room on both sides."""
    return result.low is not None and result.high is not None and result.low < value < result.high


def refusal(document: dict[str, Any], model: Model, frame: pl.DataFrame) -> str:
    """What a check that cannot be asked says, with the way out."""
    try:
        result = judge(document, model, frame)
    except Invalid as error:
        return f"{error.message} {error.fix or ''}".strip()
    raise AssertionError(result.message)
