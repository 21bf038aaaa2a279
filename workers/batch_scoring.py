"""A model's answers to a chunk of rows, and which rows it does not take. In a worker, or on Spark's executors."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from adapters.spark import Spark
from domain.batch_predictions.columns import ERROR, PREDICTION, probability_column
from domain.errors import Invalid
from domain.registry.specs import Label, Signature
from ml.encoding import Encoder
from ml.engines import Uncomputable
from ml.inputs import frame_columns
from ml.model_checks.guard import FailedEvidence
from ml.models import Model, Predictions, load_onnx, read_package
from workers.isolation import isolated

# Rows that kill the model cost a process each; a chunk with more of them says something about the model.
MOST_BROKEN: Final = 100
ROW: Final = "row"
Columns = dict[str, NDArray[np.generic]]
Scorer = Callable[[pl.DataFrame], pl.DataFrame]


class ModelBroken(Invalid):
    """The model fails on many rows, or on none in particular."""

    code = "model_broken"


def answered(model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """The answers to the rows of `frame`, in their order, as `answer_schema` says. A row without one has a reason."""
    columns = frame_columns(frame, model.signature.inputs)
    reasons = _untakeable(Encoder(model.signature), columns, frame.height)
    broken = 0
    while True:
        rows = np.array([row for row in range(frame.height) if row not in reasons], dtype=np.int64)
        if not rows.size:
            return _table(model.signature, frame.height, rows, Predictions([]), reasons)
        try:
            answers = model.predict_columns({name: values[rows] for name, values in columns.items()})
        except FailedEvidence as error:
            broken += 1
            if error.row is None or broken > MOST_BROKEN:
                raise ModelBroken(error.message, where="model") from error
            # The message counts the rows that were asked; here they are numbered otherwise.
            reasons[int(rows[error.row])] = f"{error.message.rpartition(' on row ')[0]}."
            continue
        return _table(model.signature, frame.height, rows, answers, reasons)


def answer_schema(signature: Signature) -> pl.Schema:
    """`prediction`, a probability per class, and `prediction_error`, which is null for rows with an answer."""
    kind = pl.Float64() if signature.task == "regression" else pl.Series(signature.classes).dtype
    probabilities = {probability_column(label): pl.Float64() for label in signature.classes}
    return pl.Schema({PREDICTION: kind, **probabilities, ERROR: pl.String()})


def _untakeable(encoder: Encoder, columns: Columns, rows: int) -> dict[int, str]:
    """Why the encoder refuses which rows, found by halving what it refuses."""
    found: dict[int, str] = {}
    waiting = [(0, rows)]
    while waiting:
        low, high = waiting.pop()
        try:
            encoder.encode_columns({name: values[low:high] for name, values in columns.items()})
        except Invalid as error:
            if high - low == 1:
                found[low] = error.message
            else:
                middle = (low + high) // 2
                waiting += [(low, middle), (middle, high)]
    return found


def _table(
    signature: Signature, height: int, rows: NDArray[np.int64], answers: Predictions, reasons: dict[int, str]
) -> pl.DataFrame:
    values: list[Label | None] = [None] * height
    for row, value in zip(rows.tolist(), answers.values, strict=True):
        if isinstance(value, float) and not math.isfinite(value):
            reasons[row] = "The model's answer is not a finite number."
        else:
            values[row] = value
    spread = np.full((height, len(signature.classes)), np.nan)
    if answers.probabilities is not None:
        spread[rows] = answers.probabilities
    schema = answer_schema(signature)
    probabilities = {
        probability_column(label): pl.Series(spread[:, place], nan_to_null=True)
        for place, label in enumerate(signature.classes)
    }
    told = [reasons.get(row) for row in range(height)]
    return pl.DataFrame({PREDICTION: pl.Series(values, dtype=schema[PREDICTION]), **probabilities, ERROR: told}, schema)


@dataclass(frozen=True)
class SparkScorer:
    """Scores a chunk on Spark. The executors see the package under the same path, and have Millrace installed."""

    spark: Spark
    signature: Signature
    package: Path
    digest: str

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        # By place: Spark's types are written out, and a class may be called anything.
        schema = answer_schema(self.signature)
        numbered = pl.Schema({ROW: pl.Int64(), **{f"c{place}": dtype for place, dtype in enumerate(schema.values())}})
        inputs = frame.select(column.name for column in self.signature.inputs).with_row_index("(row)")
        score = _on_executor(self.package, self.digest, self.spark.scratch)
        try:
            found = self.spark.mapped(inputs, score, numbered)
        except Uncomputable as error:
            raise ModelBroken(f"The rows cannot be scored on Spark: {error}", where="engine") from error
        return found.sort(ROW).drop(ROW).rename(dict(zip(list(numbered)[1:], schema, strict=True)))


def _on_executor(package: Path, digest: str, scratch: Path) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def score(batches: Iterator[Any]) -> Iterator[Any]:
        described = read_package(package, digest=digest)
        if described.flavor == "onnx":
            yield from _scored(load_onnx(package, digest=digest), batches)
            return
        with isolated(described, package, scratch=scratch, total_seconds=math.inf) as model:
            yield from _scored(model, batches)

    return score


def _scored(model: Model, batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        frame = pl.DataFrame(batch)
        answers = answered(model, frame)
        places = [f"c{place}" for place in range(answers.width)]
        named = answers.rename(dict(zip(answers.columns, places, strict=True)))
        rows = named.select(frame["(row)"].cast(pl.Int64).alias(ROW), *places)
        # Spark's own Arrow takes plain strings, not the large ones that Polars writes.
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        yield from table.cast(_small_strings(table.schema)).to_batches()


def _small_strings(schema: Any) -> Any:
    return pa.schema([one.with_type(pa.string()) if pa.types.is_large_string(one.type) else one for one in schema])
