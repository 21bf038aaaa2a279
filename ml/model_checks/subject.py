"""What a check looks at: the model, the frozen rows with their truth, and its predictions for them."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from domain.registry.specs import Label
from ml.inputs import frame_columns, truth
from ml.models import Model, Predictions


@dataclass(frozen=True)
class Subject:
    """`metrics` are those of the run (`train_loss`, ...); rows without a truth are left out of `frame` beforehand."""

    model: Model
    frame: pl.DataFrame
    metrics: dict[str, float]
    seed: int

    @cached_property
    def y(self) -> list[Label]:
        return truth(self.frame, self.model.signature)

    @cached_property
    def predictions(self) -> Predictions:
        return self.predict(self.frame)

    def predict(self, frame: pl.DataFrame) -> Predictions:
        return self.model.predict_columns(frame_columns(frame, self.model.signature.inputs))
