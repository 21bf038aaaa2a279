"""A fitted scikit-learn pipeline as a `Model`: while training, and when a package is served without ONNX."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from domain.registry.specs import Package, Signature
from ml.encoding import MISSING_CATEGORY, NUMBERS, STRINGS, Encoder, Extra, Feeds
from ml.models import Predictions, answers


def as_table(encoder: Encoder, feeds: Feeds) -> pd.DataFrame:
    """Feeds as the table a pipeline was fitted on: the numbers first, then the strings, by their names."""
    parts = []
    if NUMBERS in feeds:
        parts.append(pd.DataFrame(feeds[NUMBERS], columns=encoder.number_names))
    if STRINGS in feeds:
        parts.append(pd.DataFrame(feeds[STRINGS], columns=encoder.string_names, dtype=object))
    return pd.concat(parts, axis=1)


def predict_table(pipeline: Any, signature: Signature, table: pd.DataFrame | NDArray[Any]) -> Predictions:
    """Predictions of a fitted pipeline for rows made by `as_table`, or of its estimator for features."""
    regression = signature.task == "regression"
    return answers(signature, pipeline.predict(table) if regression else pipeline.predict_proba(table))


class ArrayFeatures:
    """The features of a fitted pipeline, made of feeds without a table: on one row that is four times as fast.

    `ColumnTransformer` spends most of its time on names and slices of the table. Its steps get the same columns here.
    """

    def __init__(self, features: ColumnTransformer, encoder: Encoder) -> None:
        numbers = len(encoder.number_names)
        self._steps: list[tuple[Any, str, list[int]]] = []
        for _, step, positions in features.transformers_:
            if step == "drop":
                continue
            if not isinstance(positions, list) or not positions:
                raise ValueError("a step takes its columns otherwise than by their positions")
            kinds = {position < numbers for position in positions}
            if len(kinds) > 1:
                raise ValueError("a step takes numbers and strings")
            name, first = (NUMBERS, 0) if kinds.pop() else (STRINGS, numbers)
            self._steps.append((_nameless(step), name, [position - first for position in positions]))

    def transform(self, feeds: Feeds) -> NDArray[Any]:
        return np.hstack([step.transform(feeds[name][:, positions]) for step, name, positions in self._steps])


def _nameless(step: Any) -> Any:
    """A copy of a fitted step that takes arrays without a warning that their columns have no names."""
    step = copy(step)
    if isinstance(step, Pipeline):
        step.steps = [(name, _nameless(each)) for name, each in step.steps]
    vars(step).pop("feature_names_in_", None)
    return step


class SklearnModel:
    """The Python flavour of a package."""

    def __init__(self, package: Package, pipeline: Pipeline) -> None:
        self.package = package
        self.signature = package.signature
        self._encoder = Encoder(package.signature)
        self._pipeline = pipeline
        self._features = self._array_features()

    @property
    def by_arrays(self) -> bool:
        """Whether the features are made of arrays; else a table is made of each question."""
        return self._features is not None

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self.predict_feeds(self._encoder.encode_rows(instances, extra=extra))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return self.predict_feeds(self._encoder.encode_columns(columns))

    def predict_feeds(self, feeds: Feeds) -> Predictions:
        """Answers for rows that are encoded already."""
        if self._features is None:
            return predict_table(self._pipeline, self.signature, as_table(self._encoder, feeds))
        return predict_table(self._pipeline[-1], self.signature, self._features.transform(feeds))

    def _array_features(self) -> ArrayFeatures | None:
        """The quick way to the features, where it is one that gives the very same."""
        first, feeds = self._pipeline[0], _probe(self._encoder)
        if len(self._pipeline) != 2 or not isinstance(first, ColumnTransformer):
            return None
        try:
            features = ArrayFeatures(first, self._encoder)
            same = np.array_equal(
                features.transform(feeds), first.transform(as_table(self._encoder, feeds)), equal_nan=True
            )
        except (TypeError, ValueError, AttributeError):  # sparse, by name, by a function: the table is right for all
            return None
        return features if same else None


def _probe(encoder: Encoder) -> Feeds:
    """Three rows of any values."""
    feeds: Feeds = {}
    if encoder.number_names:
        feeds[NUMBERS] = np.repeat(np.array([[0], [1.5], [-7]], np.float32), len(encoder.number_names), axis=1)
    if encoder.string_names:
        feeds[STRINGS] = np.repeat(np.array([[""], ["a"], [MISSING_CATEGORY]], object), len(encoder.string_names), 1)
    return feeds
