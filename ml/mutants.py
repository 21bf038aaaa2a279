"""Mutants: training rows, models and tables that are broken on purpose, to see whether checks and gates notice.

Pure. Called by the gate drill of the workers. Where a mutant needs one column, it takes the first of `columns` that
fits: the caller gives them by what they are worth to the model.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.registry.specs import Label, Package, Signature
from domain.training.specs import TrainSpec
from ml.encoding import Extra
from ml.models import Model, Predictions

LEAKED: Final = "leaked_target"
TRUNCATED_SHARE: Final = 0.02
OVERFITTED_ROWS: Final = 5_000
_NULL_SHARE: Final = 0.3
_TWICE_SHARE: Final = 0.2
_FACTOR: Final = 1_000
_MOST_CATEGORIES: Final = 50
# The most a trainer can be made to learn its rows by heart.
_BY_HEART: Final[dict[str, dict[str, Any]]] = {
    "linear": {"strength": 1e-6},
    "random_forest": {"n_estimators": 20, "max_depth": None, "min_samples_leaf": 1},
    "gradient_boosting": {"n_estimators": 60, "learning_rate": 0.5, "max_depth": 12, "min_samples_leaf": 1},
    "hist_gradient_boosting": {"max_iter": 300, "learning_rate": 0.5, "max_leaf_nodes": 512, "min_samples_leaf": 1},
    "tfidf_logistic": {"strength": 1e-4},
}

DataMutant = Callable[[pl.DataFrame, Sequence[str], int], tuple[pl.DataFrame, str] | None]


# ---- Training rows and specs


def shuffled_labels(frame: pl.DataFrame, target: str, seed: int) -> pl.DataFrame:
    """Every row with the label of another one: there is nothing left to learn."""
    return frame.with_columns(pl.col(target).shuffle(seed=seed))


def truncated(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """2 % of the rows."""
    return some_rows(frame, max(1, round(frame.height * TRUNCATED_SHARE)), seed)


def some_rows(frame: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """At most so many rows by the seed, in the order they had."""
    if frame.height <= most:
        return frame
    return frame[np.sort(np.random.default_rng(seed).choice(frame.height, most, replace=False))]


def flipped_slice(
    frame: pl.DataFrame, target: str, columns: Sequence[str], *, classes: bool
) -> tuple[pl.DataFrame, str] | None:
    """Wrong labels where a category has its most frequent value: the next class, or the number mirrored."""
    name = next((one for one in columns if _is_category(frame[one])), None)
    if name is None:
        return None
    value = frame[name].drop_nulls().value_counts(sort=True)[name][0]
    labels = frame[target]
    if classes:
        known = sorted(labels.drop_nulls().unique().to_list())
        following = dict(zip(known, [*known[1:], known[0]], strict=True))
        wrong = pl.col(target).replace_strict(following, default=None, return_dtype=labels.dtype)
    else:
        wrong = (pl.lit(labels.max()) + pl.lit(labels.min()) - pl.col(target)).cast(labels.dtype)
    where = (pl.col(name) == value).fill_null(value=False)
    return frame.with_columns(pl.when(where).then(wrong).otherwise(pl.col(target)).alias(target)), f"{name} = {value}"


def leaked(frame: pl.DataFrame, target: str) -> pl.DataFrame:
    """With a column that is the target."""
    return frame.with_columns(pl.col(target).alias(LEAKED))


def with_leak(spec: TrainSpec) -> TrainSpec:
    """The spec that also trains on `LEAKED`."""
    return spec if spec.features is None else spec.model_copy(update={"features": [*spec.features, LEAKED]})


def overfitted(spec: TrainSpec) -> TrainSpec:
    """The same trainer, as deep as it goes and hardly regularised."""
    return spec.model_copy(update={"params": {**spec.params, **_BY_HEART[spec.trainer]}})


def _is_category(values: pl.Series) -> bool:
    kind = values.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean) or values.dtype.is_integer()
    return kind and 2 <= values.drop_nulls().n_unique() <= _MOST_CATEGORIES


# ---- Models


class Wrapped:
    """A model behind the same signature; what differs is for the subclasses."""

    def __init__(self, model: Model) -> None:
        self.package: Package = model.package
        self.signature: Signature = model.signature
        self._model = model

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self._model.predict(instances, extra=extra)

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return self._model.predict_columns(columns)


class Slow(Wrapped):
    """Answers as it should; rows as JSON, which is what is served, `seconds` late."""

    def __init__(self, model: Model, seconds: float) -> None:
        super().__init__(model)
        self._seconds = seconds

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        time.sleep(self._seconds)
        return super().predict(instances, extra=extra)


class Constant(Wrapped):
    """Says the same of every row: the mean of the labels, or the most frequent class with the share of each."""

    def __init__(self, model: Model, labels: Sequence[Label]) -> None:
        super().__init__(model)
        self._shares: NDArray[np.float64] | None = None
        if model.signature.task == "regression":
            self._value: Label = float(np.mean(np.array(labels, dtype=np.float64)))
        else:
            counted = Counter(labels)
            counts = np.array([counted[label] for label in model.signature.classes], dtype=np.float64)
            self._shares = counts / counts.sum()
            self._value = model.signature.classes[int(counts.argmax())]

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self._same(len(super().predict(instances, extra=extra).values))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return self._same(len(next(iter(columns.values()), ())))

    def _same(self, rows: int) -> Predictions:
        if self._shares is None:
            return Predictions([self._value] * rows)
        return Predictions([self._value] * rows, np.tile(self._shares, (rows, 1)), self.signature.classes)


class DroppedColumn(Wrapped):
    """Sees one and the same value of a column in every row, as when a pipeline lost it and filled it up."""

    def __init__(self, model: Model, column: str, value: Any) -> None:
        super().__init__(model)
        self._column, self._value = column, value

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return super().predict([{**one, self._column: self._value} for one in instances], extra=extra)

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        given = columns[self._column]
        return super().predict_columns({**columns, self._column: np.full(len(given), self._value, dtype=given.dtype)})


# ---- Tables


def _null_spike(frame: pl.DataFrame, columns: Sequence[str], seed: int) -> tuple[pl.DataFrame, str] | None:
    name = next(iter(columns), None)
    if name is None:
        return None
    spiked = pl.Series(np.random.default_rng(seed).random(frame.height) < _NULL_SHARE)
    values = pl.when(spiked).then(None).otherwise(pl.col(name)).alias(name)
    return frame.with_columns(values), f"30 % of {name} without a value"


def _unit_change(frame: pl.DataFrame, columns: Sequence[str], _seed: int) -> tuple[pl.DataFrame, str] | None:
    name = next((one for one in columns if frame[one].dtype.is_numeric()), None)
    if name is None:
        return None
    kind = pl.Int64 if frame[name].dtype.is_integer() else pl.Float64
    return frame.with_columns(pl.col(name).cast(kind) * _FACTOR), f"{name} times {_FACTOR}"


def _shifted_categories(frame: pl.DataFrame, columns: Sequence[str], _seed: int) -> tuple[pl.DataFrame, str] | None:
    texts = [one for one in columns if frame[one].dtype in (pl.String, pl.Categorical, pl.Enum)]
    if not texts:
        return None
    return frame.with_columns(pl.col(texts[0]).cast(pl.String) + "_new"), f"every value of {texts[0]} renamed"


def _duplicated_rows(frame: pl.DataFrame, _columns: Sequence[str], seed: int) -> tuple[pl.DataFrame, str] | None:
    again = some_rows(frame, max(1, round(frame.height * _TWICE_SHARE)), seed)
    return pl.concat([frame, again]), f"{again.height} rows twice"


def _negative_values(frame: pl.DataFrame, columns: Sequence[str], _seed: int) -> tuple[pl.DataFrame, str] | None:
    for name in columns:
        values = frame[name]
        signed = values.dtype.is_float() or values.dtype.is_integer()
        if signed and values.min() is not None and float(values.min()) >= 0 and float(values.max()) > 0:  # type: ignore[arg-type]
            kind = pl.Int64 if values.dtype.is_integer() else values.dtype
            return frame.with_columns(-pl.col(name).cast(kind)), f"{name} below zero"
    return None


DATA_MUTANTS: Final[dict[str, DataMutant]] = {
    "null_spike": _null_spike,
    "unit_change": _unit_change,
    "shifted_categories": _shifted_categories,
    "duplicated_rows": _duplicated_rows,
    "negative_values": _negative_values,
}
"""Each gives the corrupted table and what was done to it, or None where no column fits."""
