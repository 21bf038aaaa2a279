"""Subjects of the behaviour checks: a model as wild as wanted, real small models, and one check run on one of them."""

import functools
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from pydantic import TypeAdapter

from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec
from domain.registry.specs import InputColumn, Package, Signature
from ml.encoding import NUMBERS, Encoder, Extra
from ml.model_checks.table import run_checks
from ml.models import Model, OnnxModel, Predictions, load_onnx
from ml.packaging import package
from ml.pipelines import SklearnModel
from ml.trainers.train import TrainedModel
from tests.ml.training.runs import train_quietly
from tests.training_data import PATIENTS, TUMOURS

EXAMPLE = Path(__file__).parents[3] / "examples" / "reviews"
LINE = pl.DataFrame({"x": np.linspace(-3, 3, 200), "y": np.sin(np.linspace(-3, 3, 200))})


def package_of(signature: Signature) -> Package:
    return Package(flavor="python", reason="a test", signature=signature, agreement=None, run_id="run", files=[])


class Steep:
    """A model that answers `slope` times its first number: as wild as the slope."""

    def __init__(self, slope: float, kind: str = "number") -> None:
        inputs = [InputColumn.model_validate({"name": "x", "type": kind, "nullable": True})]
        self.signature = Signature(task="regression", target="y", inputs=inputs)
        self.package = package_of(self.signature)
        self._slope = slope

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        numbers = Encoder(self.signature).encode_rows(instances, extra=extra)[NUMBERS]
        return Predictions(np.nan_to_num(np.sin(numbers[:, 0] * self._slope)).astype(float).tolist())

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return self.predict([{"x": None if math.isnan(value) else value} for value in columns["x"].tolist()])


def model_of(trained: TrainedModel) -> SklearnModel:
    return SklearnModel(package_of(trained.signature), trained.pipeline)


def check(
    spec: ModelCheckSpec, model: Model, frame: pl.DataFrame, metrics: dict[str, float] | None = None
) -> ModelCheckResult:
    [result] = run_checks([spec], model=model, frame=frame, metrics=metrics or {}, seed=0)
    return result.model_copy(update={"seconds": None})


def ask(
    document: dict[str, Any], model: Model, frame: pl.DataFrame, lexicons: dict[str, list[str]] | None = None
) -> ModelCheckResult:
    """One check, written as in a suite."""
    spec: ModelCheckSpec = TypeAdapter(ModelCheckSpec).validate_python(document)
    [result] = run_checks([spec], model=model, frame=frame, metrics={}, seed=0, lexicons=lexicons)
    return result


def packaged(trained: TrainedModel) -> OnnxModel:
    """The model as it is served."""
    with tempfile.TemporaryDirectory() as folder:
        package(trained, Path(folder), run_id="run", save_python=lambda *_: None)
        return load_onnx(Path(folder))


def train_reviews(frame: pl.DataFrame) -> TrainedModel:
    """The training run of the example, on these rows."""
    request = yaml.safe_load((EXAMPLE / "train.yaml").read_text())
    return train_quietly(frame, **{key: value for key, value in request.items() if key not in {"dataset", "model"}})


@functools.cache
def reviews() -> tuple[OnnxModel, pl.DataFrame]:
    """The model of the example, and the sentences that it was not trained on."""
    trained = train_reviews(pl.read_csv(EXAMPLE / "sentences.csv"))
    return packaged(trained), trained.part("test")


@functools.cache
def patients() -> tuple[OnnxModel, pl.DataFrame]:
    """How a disease went, from three measures and the sex; with a column that the model does not look at."""
    frame = PATIENTS.with_columns(ward=pl.int_range(pl.len()) % 7)
    features = ["bmi", "bp", "s5", "sex"]
    trained = train_quietly(frame, trainer="linear", task="regression", target="progress", features=features)
    return packaged(trained), trained.frame


@functools.cache
def tumours() -> tuple[OnnxModel, pl.DataFrame]:
    """Benign or malignant, from six measures: no text among them."""
    params = {"n_estimators": 30}
    trained = train_quietly(TUMOURS, trainer="gradient_boosting", task="classification", target="label", params=params)
    return packaged(trained), trained.part("test")
