"""The feature steps in front of an estimator, inside the pipeline: impute, flag what was missing, scale, code.

Every step here converts to ONNX and gives the same there; see docs/how-to/add-a-trainer.md before adding another.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from domain.registry.specs import Signature
from ml.encoding import Encoder

MAX_CATEGORIES: Final = 100
# MissingIndicator has no ONNX converter: a missing number is filled with this, and what is above half of it is flagged.
_SENTINEL: Final = 1e38


@dataclass(frozen=True)
class Columns:
    """The table a pipeline is fitted on, by position: numbers first, then strings."""

    numbers: list[str]
    number_sources: list[str]
    flagged: list[int]
    strings: list[str]
    categories: list[list[str]]

    @property
    def string_positions(self) -> list[int]:
        return [len(self.numbers) + position for position in range(len(self.strings))]

    def sources(self, *, one_hot: bool) -> list[str]:
        """The signature's column behind each feature made here, in their order."""
        strings = self.strings
        if one_hot:
            strings = [name for name, known in zip(strings, self.categories, strict=True) for _ in known]
        return self.number_sources + [self.number_sources[position] for position in self.flagged] + strings


def columns_of(signature: Signature, table: pd.DataFrame) -> Columns:
    """The layout for a signature; `table` holds the training rows, whose frequent categories get a column each."""
    encoder = Encoder(signature)
    sources = encoder.number_sources
    nullable = [column.name for column in signature.inputs if column.nullable]
    return Columns(
        numbers=encoder.number_names,
        number_sources=sources,
        flagged=sorted(sources.index(name) for name in nullable if name in sources),
        strings=encoder.string_names,
        categories=[_frequent(table[name]) for name in encoder.string_names],
    )


def _frequent(values: "pd.Series[str]") -> list[str]:
    """The most frequent values, at most `MAX_CATEGORIES`, the most frequent first and ties by name."""
    counts = sorted(values.value_counts().items(), key=lambda item: (-item[1], str(item[0])))
    return [str(value) for value, _ in counts[:MAX_CATEGORIES]]


def for_linear(columns: Columns) -> ColumnTransformer:
    """Numbers imputed by their median, flagged where missing, and scaled; categories one-hot.

    A category not among the frequent ones of training is all zeros.
    """
    one_hot = OneHotEncoder(
        categories=columns.categories, handle_unknown="ignore", sparse_output=False, dtype=np.float32
    )
    return _join(columns, Pipeline([("impute", _median()), ("scale", StandardScaler())]), one_hot)


def for_trees(columns: Columns, *, impute: bool = True) -> ColumnTransformer:
    """Numbers imputed by their median and flagged where missing; categories as codes, the most frequent first.

    Codes keep the table as narrow as the data, which one-hot columns would not: an eighth of the time on census data.
    A category not among the frequent ones is -1. Nothing is scaled, so trees see the very float32 values that the
    ONNX model sees, and no row falls on the other side of a split.
    """
    codes = OrdinalEncoder(
        categories=columns.categories, handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32
    )
    return _join(columns, _median() if impute else "passthrough", codes)


def _join(
    columns: Columns, numbers: Pipeline | SimpleImputer | str, categories: OneHotEncoder | OrdinalEncoder
) -> ColumnTransformer:
    parts = []
    if columns.numbers:
        parts.append(("numbers", numbers, list(range(len(columns.numbers)))))
    if columns.flagged and numbers != "passthrough":
        fill = SimpleImputer(strategy="constant", fill_value=_SENTINEL, keep_empty_features=True)
        parts.append(
            ("missing", Pipeline([("fill", fill), ("flag", Binarizer(threshold=_SENTINEL / 2))]), columns.flagged)
        )
    if columns.strings:
        parts.append(("categories", categories, columns.string_positions))
    return ColumnTransformer(parts)


def _median() -> SimpleImputer:
    return SimpleImputer(strategy="median", keep_empty_features=True)
