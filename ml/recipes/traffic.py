"""Recorded traffic of an endpoint joined with its ground truth, for derived versions."""

import json
from typing import Any

import polars as pl

from ml.frames import EmptyTable
from ml.recipes.rows import ColumnsDiffer, listed


def join_truth(predictions: pl.DataFrame, truth: pl.DataFrame, target: str) -> pl.DataFrame:
    """The labelled rows of an endpoint's traffic, ordered by prediction id (which is by time).

    `predictions` has `id`, `at`, `inputs` (a struct) and `extra` (the text of a JSON object, or null); `truth` has
    `id` and `value`, the last one of an id wins. The result has the input columns, the extra ones, `target`,
    `prediction_id` and `predicted_at`. Raises `ColumnsDiffer` if the target is an input, `EmptyTable` without a match.
    """
    labels = truth.unique("id", keep="last", maintain_order=True).select("id", pl.col("value").alias("the truth"))
    asked = predictions.unique("id", keep="last", maintain_order=True)
    rows = asked.join(labels, on="id", how="inner", validate="1:1").sort("id")
    if rows.is_empty():
        raise EmptyTable(
            "No prediction of this traffic has its ground truth yet.", fix="Post ground truth by prediction id."
        )
    inputs = rows["inputs"].struct.unnest()
    own = {target, "prediction_id", "predicted_at"}
    if taken := own & set(inputs.columns):
        raise ColumnsDiffer(f"The inputs already have a column {listed(sorted(taken))}.", where="inputs")
    extra = _extra(rows["extra"], skip=own | set(inputs.columns))
    return pl.concat([inputs, extra], how="horizontal").with_columns(
        rows["the truth"].alias(target), rows["id"].alias("prediction_id"), rows["at"].alias("predicted_at")
    )


def _extra(texts: pl.Series, skip: set[str]) -> pl.DataFrame:
    """The plain values that callers sent along, one column per key; nested ones stay JSON text."""
    objects = [json.loads(text) if text else {} for text in texts]
    names = sorted({name for row in objects for name in row} - skip)
    return pl.DataFrame([pl.Series(name, _flat([row.get(name) for row in objects]), strict=False) for name in names])


def _flat(values: list[Any]) -> list[Any]:
    """Values that fit one column: as they are when of one type (or all numbers), else the text of each."""
    kinds = {type(value) for value in values if value is not None}
    if (len(kinds) <= 1 and not kinds & {dict, list}) or kinds == {int, float}:
        return values
    return [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
