"""The one place where a model's answers are looked at before anybody believes them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.registry.specs import Package, Signature
from ml.encoding import Extra
from ml.models import Model, Predictions

# Probabilities are computed in 32 bits.
_ROUNDING: Final = 1e-6


class FailedEvidence(Invalid):
    """The model did not answer as a model does: the check that asked has failed, and this says how.

    `how` is one word: crashed, hung, raised, slow, nan, range, count. `row` numbers the rows that were asked, from 0.
    """

    code = "failed_evidence"

    def __init__(self, message: str, *, how: str, row: int | None = None, instance: dict[str, Any] | None = None):
        super().__init__(message, where=None if row is None else f"rows[{row}]")
        self.how = how
        self.row = row
        self.instance = instance


class Guarded:
    """A model whose every answer has been looked at: one per row, no NaN, probabilities within 0..1."""

    def __init__(self, model: Model) -> None:
        self.package: Package = model.package
        self.signature: Signature = model.signature
        self._model = model

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        answers = self._model.predict(instances, extra=extra)
        with _naming(lambda row: dict(instances[row])):
            return looked_at(answers, len(instances))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        answers = self._model.predict_columns(columns)
        with _naming(lambda row: instance_at(columns, row)):
            return looked_at(answers, len(next(iter(columns.values()), ())))


def instance_at(columns: Mapping[str, NDArray[Any]], row: int) -> dict[str, Any]:
    """One row of columns as JSON can hold it."""
    return {name: _plain(values[row : row + 1].tolist()[0]) for name, values in columns.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


@contextmanager
def _naming(instance: Callable[[int], dict[str, Any]]) -> Iterator[None]:
    """Puts the row itself into the evidence."""
    try:
        yield
    except FailedEvidence as error:
        if error.row is not None:
            error.instance = instance(error.row)
        raise


def looked_at(answers: Predictions, rows: int) -> Predictions:
    """The answers to `rows` rows as they are; raises `FailedEvidence` naming the first row that was answered oddly."""
    if len(answers.values) != rows:
        raise FailedEvidence(f"The model gave {len(answers.values)} answers to {rows} rows.", how="count")
    values: list[Any] = answers.values
    odd = next((row for row, value in enumerate(values) if value is None or value != value), None)  # noqa: PLR0124 - only NaN is not itself
    if odd is not None:
        raise FailedEvidence(f"The model answers row {odd} with NaN.", how="nan", row=odd)
    if answers.probabilities is not None:
        _refuse_odd(answers.probabilities, rows, len(answers.classes))
    return answers


def _refuse_odd(probabilities: NDArray[np.float64], rows: int, classes: int) -> None:
    if probabilities.shape != (rows, classes):
        shape = " x ".join(map(str, probabilities.shape))
        raise FailedEvidence(
            f"The model gave {shape} probabilities for {rows} rows and {classes} classes.", how="count"
        )
    unknown = np.isnan(probabilities).any(axis=1)
    if unknown.any():
        row = int(np.argmax(unknown))
        raise FailedEvidence(f"The model gives row {row} a probability that is NaN.", how="nan", row=row)
    outside = ((probabilities < -_ROUNDING) | (probabilities > 1 + _ROUNDING)).any(axis=1)
    if outside.any():
        row = int(np.argmax(outside))
        worst = float(max(probabilities[row], key=lambda value: abs(value - 0.5)))
        raise FailedEvidence(
            f"The model gives row {row} the probability {worst:.4g}, which is outside 0..1.", how="range", row=row
        )
