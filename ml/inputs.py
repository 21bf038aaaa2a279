"""A data frame's columns as a model's inputs: what each is, and its values for the encoder.

Called by `ml.trainers` and by whatever scores frames: model checks, monitoring, batch jobs.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.datasets.specs import ColumnType
from domain.errors import Invalid
from domain.registry.specs import InputColumn, Label, Signature
from ml.encoding import Encoder, Feeds
from ml.values import MissingColumn, did_you_mean


class UnusableFeature(Invalid):
    code = "unusable_feature"


def input_column(values: pl.Series, *, category: bool) -> InputColumn:
    """What a column is as an input of a model. Raises `UnusableFeature` for nested, binary and all-null columns."""
    kind = _column_type(values)
    nulls = values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0)
    if nulls == len(values):
        raise UnusableFeature(f"Column {values.name!r} has no values.", where=f"features.{values.name}")
    if category and kind == "datetime":
        raise UnusableFeature(f"Column {values.name!r} is a time, not a category.", where="categorical")
    first = values.drop_nulls().drop_nans()[0] if values.dtype.is_float() else values.drop_nulls()[0]
    example = first.isoformat() if kind == "datetime" else str(first) if kind == "string" else first
    if kind == "number":
        example = float(example)
    return InputColumn(
        name=values.name, type=kind, nullable=nulls > 0, category=category and kind != "string", example=example
    )


def _column_type(values: pl.Series) -> ColumnType:
    dtype = values.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.Date, pl.Datetime):
        return "datetime"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "string"
    raise UnusableFeature(
        f"Column {values.name!r} holds {dtype}, which no trainer reads.", where=f"features.{values.name}"
    )


def encode_frame(encoder: Encoder, frame: pl.DataFrame, columns: Iterable[InputColumn]) -> Feeds:
    """Feeds for the rows of `frame`; see `Encoder.encode_columns` for the errors."""
    return encoder.encode_columns(frame_columns(frame, columns))


def frame_columns(frame: pl.DataFrame, columns: Iterable[InputColumn]) -> dict[str, NDArray[np.generic]]:
    """The input columns of `frame` as arrays, nulls as NaN, NaT or None."""
    arrays = {}
    for column in columns:
        if column.name not in frame.columns:
            hint = did_you_mean(column.name, frame.columns)
            raise MissingColumn(f"Column {column.name!r} is missing.", where=column.name, fix=hint)
        arrays[column.name] = _array(frame[column.name])
    return arrays


def _array(values: pl.Series) -> NDArray[np.generic]:
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif isinstance(values.dtype, pl.Decimal):
        values = values.cast(pl.Float64)
    elif values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    return values.to_numpy()


def truth(frame: pl.DataFrame, signature: Signature) -> list[Label]:
    """The target column as plain values, one per row."""
    if signature.target not in frame.columns:
        hint = did_you_mean(signature.target, frame.columns)
        raise MissingColumn(f"The target {signature.target!r} is missing.", where=signature.target, fix=hint)
    labels: list[Label] = frame[signature.target].to_list()
    return labels
