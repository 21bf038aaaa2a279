"""One training run: frame and spec in, fitted pipeline with its metrics and its lineage of rows out.

Called by the training handler of the workers; `ml.packaging` turns the result into files.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from domain.errors import Invalid
from domain.registry.specs import Label, Signature
from domain.training.specs import TrainSpec
from ml.encoding import Encoder
from ml.inputs import encode_frame, truth
from ml.metrics import LOSS, METRICS, compute_all
from ml.models import Predictions, answers
from ml.pipelines import as_table, predict_table
from ml.splits import Rows, Split, row_hashes, split
from ml.trainers.features import Columns, columns_of
from ml.trainers.prepare import BadTarget, prepare
from ml.trainers.table import find_trainer

Part = Literal["train", "validation", "test"]
OnStep = Callable[[int, dict[str, float]], None]
OnProgress = Callable[[float, str], None]
Monitor = Callable[..., bool]
STEPS_KEPT: Final = 25


class CannotFit(Invalid):
    code = "cannot_fit"


@dataclass(frozen=True)
class TrainedModel:
    """What a run came to. `frame` holds the rows with a known target; `split` numbers its rows.

    `metrics` are named `train_mae`, `validation_loss`, `test_auc` and so on; `importances` share out 1.0 among the
    features where the estimator tells; `train_hashes` are `row_hashes` of the train
    rows, inputs and target, `train_input_hashes` those of their inputs alone.
    """

    spec: TrainSpec
    pipeline: Pipeline
    signature: Signature
    frame: pl.DataFrame
    split: Split
    rows_dropped: int
    metrics: dict[str, float]
    importances: dict[str, float]
    train_hashes: NDArray[np.uint64]
    train_input_hashes: NDArray[np.uint64]
    notes: list[str]

    def part(self, name: Part) -> pl.DataFrame:
        """The rows of one part of the split, every column of the dataset."""
        rows: Rows = getattr(self.split, name)
        return self.frame[rows]


def train(frame: pl.DataFrame, spec: TrainSpec, on_step: OnStep, on_progress: OnProgress) -> TrainedModel:
    """Fit the trainer of `spec` on `frame`; the same frame and spec give the same model.

    `on_step(step, metrics)` gets the losses along the way of trainers that learn in steps, during the fit where the
    estimator calls back; `on_progress(fraction, message)` where the run is. Raises a kind of `Invalid` for whatever in
    the request or the data cannot be trained on.
    """
    trainer = find_trainer(spec.trainer, spec.task)
    params = trainer.read_params(spec.params)
    prepared = prepare(frame, spec)
    used, signature = prepared.frame, prepared.signature
    parts = split(used, spec.split, spec.target, spec.task, spec.seed)
    encoder = Encoder(signature)
    table = as_table(encoder, encode_frame(encoder, used, signature.inputs))
    y = truth(used, signature)
    train_y = [y[row] for row in parts.train]
    signature = _known_classes(signature, train_y)
    columns = columns_of(signature, table.iloc[parts.train])
    pipeline = trainer.build(params, spec.task, spec.seed, columns)
    on_progress(0.1, f"Fitting {spec.trainer} on {len(parts.train)} rows")
    losses = _losses(pipeline, signature, table, (y, parts))
    notes = _fit(pipeline, table.iloc[parts.train], train_y, _during(pipeline, losses, on_step, on_progress))
    on_progress(0.8, "Measuring")
    for step, found in losses:  # of an estimator that could not be asked while it was fitted
        on_step(step, found)
    metrics = _measure(predict_table(pipeline, signature, table), spec, y, parts)
    inputs = [column.name for column in signature.inputs]
    return TrainedModel(
        spec=spec,
        pipeline=pipeline,
        signature=signature,
        frame=used,
        split=parts,
        rows_dropped=prepared.dropped,
        metrics=metrics,
        importances=_importances(pipeline, columns),
        train_hashes=row_hashes(used[parts.train], [*inputs, signature.target]),
        train_input_hashes=row_hashes(used[parts.train], inputs),
        notes=notes,
    )


def _known_classes(signature: Signature, train_y: list[Label]) -> Signature:
    """The signature with the classes that occur among the train rows, the only ones the model can answer."""
    if signature.task == "regression":
        return signature
    present = set(train_y)
    if len(present) < 2:
        problem = f"{signature.target!r} has only one value among the train rows."
        raise BadTarget(problem, where="target", fix="Split at random or stratified.")
    return signature.model_copy(update={"classes": [label for label in signature.classes if label in present]})


def _fit(pipeline: Pipeline, table: pd.DataFrame, y: list[Label], extra: dict[str, Monitor]) -> list[str]:
    """Fit, and return the warnings met on the way as sentences."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pipeline.fit(table, np.array(y), **extra)
        except ValueError as error:
            raise CannotFit(f"The trainer refused the data: {error}", where="trainer") from error
    return sorted({str(warning.message).splitlines()[0] for warning in caught})


def _during(
    pipeline: Pipeline, losses: Iterator[tuple[int, dict[str, float]]], on_step: OnStep, on_progress: OnProgress
) -> dict[str, Monitor]:
    """What to give the fit, so that an estimator that calls back after each tree tells its losses as it goes."""
    estimator = pipeline[-1]
    if not (hasattr(estimator, "staged_predict") and hasattr(estimator, "n_estimators")):
        return {}
    total = estimator.n_estimators
    every = _every(total)

    def monitor(done: int, *_: object) -> bool:
        if done % 20 == 0:
            on_progress(0.1 + 0.7 * done / total, f"{done} of {total} trees")
        if (done + 1) % every == 0 or done + 1 == total:
            on_step(*next(losses))
        return False

    return {"model__monitor": monitor}


def _every(total: int) -> int:
    """Of so many trees, each how manieth one is measured."""
    return max(1, total // STEPS_KEPT)


def _losses(
    pipeline: Pipeline, signature: Signature, table: pd.DataFrame, known: tuple[list[Label], Split]
) -> Iterator[tuple[int, dict[str, float]]]:
    """Train and validation loss every few trees, for estimators that can tell how they were on the way.

    It looks at a tree when it is asked for it, so it may be asked while the next ones are still to be fitted.
    """
    estimator = pipeline[-1]
    staged = getattr(estimator, "staged_predict" if signature.task == "regression" else "staged_predict_proba", None)
    if staged is None:
        return
    y, parts = known
    loss = METRICS[LOSS[signature.task]]
    total = len(estimator.estimators_) if hasattr(estimator, "estimators_") else estimator.n_iter_
    every = _every(total)
    measured = {"train": parts.train, "validation": parts.validation}
    labels = {name: [y[row] for row in rows] for name, rows in measured.items()}
    outputs = [staged(pipeline[:-1].transform(table.iloc[rows])) for rows in measured.values()]
    for step, stage in enumerate(zip(*outputs, strict=False), start=1):
        if step % every == 0 or step == total:
            yield (
                step,
                {
                    f"{name}_loss": loss.compute(labels[name], answers(signature, output))
                    for name, output in zip(measured, stage, strict=True)
                },
            )


def _measure(predictions: Predictions, spec: TrainSpec, y: list[Label], parts: Split) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, rows in (("train", parts.train), ("validation", parts.validation), ("test", parts.test)):
        scores = compute_all(spec.task, [y[row] for row in rows], predictions.take(rows))
        metrics |= {f"{name}_{metric}": value for metric, value in scores.items()}
    return metrics


def _importances(pipeline: Pipeline, columns: Columns) -> dict[str, float]:
    """Each column's share of the estimator's importances, or of the absolute coefficients of a linear model."""
    estimator = pipeline[-1]
    sources = columns.sources(one_hot=hasattr(estimator, "coef_"))
    if hasattr(estimator, "feature_importances_"):
        weights = estimator.feature_importances_
    elif hasattr(estimator, "coef_"):
        weights = np.abs(np.atleast_2d(estimator.coef_)).sum(axis=0)
    else:
        return {}
    if len(weights) != len(sources) or weights.sum() == 0:  # words of a text are not columns
        return {}
    shares: dict[str, float] = dict.fromkeys(sources, 0.0)
    for name, weight in zip(sources, weights / weights.sum(), strict=True):
        shares[name] += float(weight)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
