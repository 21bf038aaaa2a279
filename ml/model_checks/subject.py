"""What a check looks at: the model, the frozen rows with their truth, its predictions for them, and how it says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.model_checks.specs import Check, ModelCheckResult, Verdict
from domain.registry.specs import Label
from ml.inputs import frame_columns, truth
from ml.models import Model, Predictions
from ml.predicates import row_predicate


@dataclass(frozen=True)
class Subject:
    """One version, as the checks see it.

    `frame`: frozen rows with their truth, rows without one left out beforehand. `metrics`: those of the run
    (`train_loss`, ...). `lexicons`: words of the suite, by name. `curve`: (step, losses) of the training, where it
    tells. `seen_share`: share of the frozen rows that the model was trained on, None when that is not known.
    `trained`: the model as it was trained, before it was packaged, where it can be had.
    """

    model: Model
    frame: pl.DataFrame
    metrics: dict[str, float]
    seed: int
    lexicons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    curve: Sequence[tuple[int, Mapping[str, float]]] = ()
    seen_share: float | None = None
    trained: Model | None = None

    @cached_property
    def y(self) -> list[Label]:
        return truth(self.frame, self.model.signature)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The number of each row among all frozen rows."""
        return np.arange(self.frame.height)

    @property
    def predictions(self) -> Predictions:
        """The answers to all rows, asked for once. What kept the model from giving them is raised each time."""
        if isinstance(self._answered, Invalid):
            raise self._answered
        return self._answered

    @cached_property
    def _answered(self) -> Predictions | Invalid:
        try:
            return self.predict(self.frame)
        except Invalid as error:
            return error

    def predict(self, frame: pl.DataFrame) -> Predictions:
        return self.model.predict_columns(frame_columns(frame, self.model.signature.inputs))

    def only(self, where: str | None) -> "Subject":
        """The same version on the rows for which the SQL predicate holds. Raises `BadExpression`."""
        if where is None:
            return self
        holds = row_predicate(where, self.frame.lazy()).fill_null(value=False)
        return self.take(self.frame.select(holds.arg_true()).to_series().to_numpy().astype(np.int64))

    def take(self, rows: NDArray[np.int64]) -> "Subject":
        """The same version on some of its rows."""
        narrowed = replace(self, frame=self.frame[rows])
        # What is known of all rows is known of these: predictions are made once for all checks.
        narrowed.__dict__["_answered"] = self.predictions.take(rows)
        narrowed.__dict__["rows"] = self.rows[rows]
        return narrowed


def finding(check: Check, verdict: Verdict, message: str, **rest: Any) -> ModelCheckResult:
    """The result of `check`: named, with its severity; `rest` are further fields of `ModelCheckResult`."""
    return ModelCheckResult(
        gate=check.gate,
        name=check.name or check.gate,
        severity=check.severity,
        verdict=verdict,
        message=message,
        **rest,
    )
