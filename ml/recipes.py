"""Tables made from tables: versions put together by a recipe, and recorded traffic joined with its truth.

Workers build derived dataset versions with it. Equal inputs give equal rows in equal order.
"""

import json
from typing import Any

import polars as pl

from domain.datasets.specs import RecipeSource
from domain.errors import Invalid
from ml.frames import BadColumns, EmptyTable, schema
from ml.predicates import row_predicate


class ColumnsDiffer(Invalid):
    """Tables that are to be put one below the other do not have the same columns."""

    code = "columns_differ"


def build(sources: list[pl.LazyFrame], recipe: RecipeSource) -> pl.DataFrame:
    """The rows of `sources` (one for each of `recipe.concat`) below each other, then filtered, then unique.

    Columns come in the order of the first source and may widen from integers to floats, nothing else. Raises
    `ColumnsDiffer`, `BadColumns` (a key that does not exist), `BadExpression` or `EmptyTable`.
    """
    first = schema(sources[0])
    for source, reference in zip(sources, recipe.concat, strict=True):
        _check_columns(first, source, recipe.concat[0], reference)
    table = pl.concat([source.select(list(first)) for source in sources], how="vertical_relaxed")
    if recipe.where is not None:
        table = table.filter(row_predicate(recipe.where, table))
    if unknown := [name for name in recipe.unique if name not in first]:
        raise BadColumns(f"The table has no column {_listed(unknown)}.", where="unique")
    if recipe.unique:
        table = table.unique(recipe.unique, keep="last", maintain_order=True)
    rows = table.collect()
    if rows.is_empty():
        raise EmptyTable("The recipe leaves no rows.", where="where", fix="Widen the condition.")
    return rows


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
        raise ColumnsDiffer(f"The inputs already have a column {_listed(sorted(taken))}.", where="inputs")
    extra = _extra(rows["extra"], skip=own | set(inputs.columns))
    return pl.concat([inputs, extra], how="horizontal").with_columns(
        rows["the truth"].alias(target), rows["id"].alias("prediction_id"), rows["at"].alias("predicted_at")
    )


def _check_columns(first: dict[str, Any], source: pl.LazyFrame, first_name: str, name: str) -> None:
    columns = schema(source)
    if missing := [column for column in first if column not in columns]:
        raise ColumnsDiffer(f"{name} lacks the column {_listed(missing)}, which {first_name} has.", where=name)
    if more := [column for column in columns if column not in first]:
        raise ColumnsDiffer(f"{name} has the column {_listed(more)}, which {first_name} lacks.", where=name)
    for column, kind in columns.items():
        if kind != first[column] and {kind, first[column]} != {"integer", "number"}:
            message = f"The column {column!r} is {kind} in {name} and {first[column]} in {first_name}."
            raise ColumnsDiffer(message, where=name)


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


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
