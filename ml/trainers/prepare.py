"""Checks a training request against the frame: which rows and columns it uses, and the signature that follows."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from domain.errors import Invalid
from domain.registry.specs import InputColumn, Label, Signature
from domain.training.specs import TrainSpec
from ml.encoding import Encoder
from ml.inputs import input_column
from ml.values import did_you_mean

MAX_CLASSES: Final = 200


class BadTarget(Invalid):
    code = "bad_target"


class BadFeatures(Invalid):
    code = "bad_features"


class NoTrainingRows(Invalid):
    code = "no_training_rows"


@dataclass(frozen=True)
class Prepared:
    """The rows whose target is known, how many were dropped, and what the model will take and give."""

    frame: pl.DataFrame
    dropped: int
    signature: Signature


def prepare(frame: pl.DataFrame, spec: TrainSpec) -> Prepared:
    """The usable part of `frame` for `spec`. Raises a kind of `Invalid` that names the column or the field."""
    features = _features(frame, spec)
    if spec.target not in frame.columns:
        hint = did_you_mean(spec.target, frame.columns)
        raise BadTarget(f"There is no column {spec.target!r} to predict.", where="target", fix=hint)
    target = frame[spec.target]
    known = target.is_not_null() & target.is_not_nan() if target.dtype.is_float() else target.is_not_null()
    used = frame.filter(known)
    if used.height == 0:
        raise NoTrainingRows(f"None of the {frame.height} rows has a {spec.target!r}.", where="target")
    classes = _classes(used[spec.target], spec)
    inputs = [input_column(used[name], category=name in spec.categorical) for name in features]
    signature = Signature(task=spec.task, target=spec.target, inputs=inputs, classes=classes)
    _check_inputs(inputs, signature)
    return Prepared(used, frame.height - used.height, signature)


def _features(frame: pl.DataFrame, spec: TrainSpec) -> list[str]:
    features = spec.features if spec.features is not None else [c for c in frame.columns if c != spec.target]
    if not features:
        raise BadFeatures("There is no feature to learn from.", where="features")
    for name in features:
        if name not in frame.columns:
            hint = did_you_mean(name, frame.columns)
            raise BadFeatures(f"There is no column {name!r}.", where=f"features.{name}", fix=hint)
    if spec.target in features:
        raise BadFeatures(f"The target {spec.target!r} cannot be a feature.", where=f"features.{spec.target}")
    if len(set(features)) != len(features):
        twice = next(name for name in features if features.count(name) > 1)
        raise BadFeatures(f"{twice!r} is listed twice.", where=f"features.{twice}")
    for name in spec.categorical:
        if name not in features:
            hint = did_you_mean(name, features)
            raise BadFeatures(f"{name!r} is not a feature.", where=f"categorical.{name}", fix=hint)
    return features


def _check_inputs(inputs: list[InputColumn], signature: Signature) -> None:
    if signature.task == "text_classification" and [column.type for column in inputs] != ["string"]:
        raise BadFeatures("A text classification takes one feature, a column of text.", where="features")
    encoder = Encoder(signature)
    names = encoder.number_names + encoder.string_names
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadFeatures(f"{twice!r} is a column and a part of a date; rename it.", where=f"features.{twice}")


def _classes(target: pl.Series, spec: TrainSpec) -> list[Label]:
    """The labels in sorted order; none for a regression."""
    dtype = target.dtype
    if spec.task == "regression":
        if not dtype.is_numeric():
            raise BadTarget(
                f"{spec.target!r} holds {dtype}; a regression predicts numbers.",
                where="target",
                fix="Classify it instead.",
            )
        infinite = int(target.cast(pl.Float64).is_infinite().sum())
        if infinite:
            raise BadTarget(f"{infinite} rows have an infinite {spec.target!r}.", where="target")
        return []
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum)):
        raise BadTarget(f"{spec.target!r} holds {dtype}, which is no label.", where="target")
    labels: list[Label] = sorted(target.unique().to_list())
    if len(labels) < 2:
        raise BadTarget(f"{spec.target!r} is always {labels[0]!r}; there is nothing to tell apart.", where="target")
    if len(labels) > MAX_CLASSES:
        raise BadTarget(
            f"{spec.target!r} has {len(labels)} distinct values, at most {MAX_CLASSES} can be told apart.",
            where="target",
            fix="For amounts, use the task regression.",
        )
    return labels
