"""A fitted scikit-learn pipeline as a `Model`: while training, and when a package is served without ONNX."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from domain.registry.specs import Package, Signature
from ml.encoding import NUMBERS, STRINGS, Encoder, Extra, Feeds
from ml.models import Predictions, answers


def as_table(encoder: Encoder, feeds: Feeds) -> pd.DataFrame:
    """Feeds as the table a pipeline was fitted on: the numbers first, then the strings, by their names."""
    parts = []
    if NUMBERS in feeds:
        parts.append(pd.DataFrame(feeds[NUMBERS], columns=encoder.number_names))
    if STRINGS in feeds:
        parts.append(pd.DataFrame(feeds[STRINGS], columns=encoder.string_names, dtype=object))
    return pd.concat(parts, axis=1)


def predict_table(pipeline: Pipeline, signature: Signature, table: pd.DataFrame) -> Predictions:
    """Predictions of a fitted pipeline for rows made by `as_table`."""
    regression = signature.task == "regression"
    return answers(signature, pipeline.predict(table) if regression else pipeline.predict_proba(table))


class SklearnModel:
    """The Python flavour of a package."""

    def __init__(self, package: Package, pipeline: Pipeline) -> None:
        self.package = package
        self.signature = package.signature
        self._encoder = Encoder(package.signature)
        self._pipeline = pipeline

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self._run(self._encoder.encode_rows(instances, extra=extra))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return self._run(self._encoder.encode_columns(columns))

    def _run(self, feeds: Feeds) -> Predictions:
        return predict_table(self._pipeline, self.signature, as_table(self._encoder, feeds))
