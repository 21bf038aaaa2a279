"""Training as the tests of this folder call it."""

from typing import Any

import polars as pl

from domain.training.specs import TrainSpec
from ml.trainers.train import TrainedModel, train


def train_quietly(frame: pl.DataFrame, **request: Any) -> TrainedModel:
    """Train without listening to steps and progress."""
    spec = TrainSpec.model_validate({"dataset": "data", **request})
    return train(frame, spec, lambda step, losses: None, lambda fraction, message: None)
