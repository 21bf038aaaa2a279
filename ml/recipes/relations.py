"""Steps that relate rows: join with another version, aggregate over groups."""

import polars as pl

from domain.datasets.steps import Aggregate, AggregateStep, JoinStep
from ml.frames import column_type
from ml.recipes.rows import Rows, listed

_NUMBERS_ONLY = frozenset({"sum", "mean", "median", "std"})


def join(spec: JoinStep, rows: Rows) -> pl.LazyFrame:
    """Left rows keep their order. Where a key of theirs repeats, rows would multiply: refused unless allowed."""
    theirs = Rows(rows.others[spec.version], rows.place, f"{rows.title} with {spec.version}")
    keys = spec.keys
    ours_schema, theirs_schema = rows.schema, theirs.schema
    for place, (ours, other) in enumerate(keys.items()):
        at = f"on.{ours}" if isinstance(spec.on, dict) else f"on.{place}"
        kind, other_kind = rows.need(ours, at), theirs.need(other, at)
        if kind != other_kind:
            why = f"{ours!r} is {kind}, and {other!r} of {spec.version} is {other_kind}"
            raise rows.refused(why, at, fix="Cast ours first.")
    if not spec.allow_many:
        _refuse_repeated(spec, rows, theirs.frame, list(keys.values()))
    right = theirs.frame.with_columns(pl.col(other).cast(ours_schema[ours]) for ours, other in keys.items())
    names = {
        name: f"{name}{spec.suffix}"
        for name in theirs_schema.names()
        if name not in keys.values() and name in ours_schema
    }
    after = [names.get(name, name) for name in theirs_schema.names() if name not in keys.values()]
    if clash := sorted({name for name in after if name in ours_schema or after.count(name) > 1}):
        raise rows.refused(f"there is a column {listed(clash)} already", "suffix", fix="Choose another suffix.")
    return rows.frame.join(
        right.rename(names), left_on=list(keys), right_on=list(keys.values()), how=spec.how, maintain_order="left_right"
    )


def _refuse_repeated(spec: JoinStep, rows: Rows, theirs: pl.LazyFrame, keys: list[str]) -> None:
    counted = theirs.drop_nulls(keys).group_by(keys, maintain_order=True).len("rows of a key")
    worst = counted.filter(pl.col("rows of a key") > 1).collect(engine="in-memory")
    if worst.is_empty():
        return
    first = worst.row(0, named=True)
    shown = ", ".join(f"{key} {first[key]!r}" for key in keys)
    found = f"{first['rows of a key']} rows of {spec.version} have {shown}, one of {worst.height:,} repeated keys"
    raise rows.refused(
        f"{found}: rows would multiply",
        "on",
        fix="Drop its duplicates or aggregate it first, or say `allow_many: true`.",
    )


def aggregate(spec: AggregateStep, rows: Rows) -> pl.LazyFrame:
    rows.need_all(spec.by, "by")
    if clash := sorted(set(spec.aggregates) & set(spec.by)):
        raise rows.refused(f"{listed(clash)} is a column of `by` too", f"aggregates.{clash[0]}")
    numbers = [_number(called, one, rows).alias(called) for called, one in spec.aggregates.items()]
    return rows.frame.group_by(spec.by, maintain_order=True).agg(numbers)


def _number(called: str, one: Aggregate, rows: Rows) -> pl.Expr:
    if one.column is None:
        return pl.len().cast(pl.Int64)
    at = f"aggregates.{called}.column"
    kind = rows.need(one.column, at)
    dtype = rows.schema[one.column]
    if one.function in _NUMBERS_ONLY and kind not in {"integer", "number", "boolean"}:
        raise rows.refused(f"{one.column!r} is {kind}, of which there is no {one.function}", at)
    column = pl.col(one.column)
    if dtype.is_float():
        column = column.fill_nan(None)
    if one.function in _NUMBERS_ONLY:
        column = column.cast(pl.Int64 if one.function == "sum" and column_type(dtype) != "number" else pl.Float64)
    given = column.drop_nulls()
    numbers = {
        "count": lambda: column.count().cast(pl.Int64),
        "n_unique": lambda: given.n_unique().cast(pl.Int64),
        # Of nothing there is no sum, as there is no mean.
        "sum": lambda: pl.when(column.count() > 0).then(column.sum()),
        "mean": column.mean,
        "median": column.median,
        "std": column.std,
        "min": column.min,
        "max": column.max,
        "first": given.first,
        "last": given.last,
    }
    return numbers[one.function]()
