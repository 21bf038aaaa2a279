"""Steps about which columns there are: rename, select, drop, derive."""

from collections import Counter

import polars as pl

from domain.datasets.steps import DeriveStep, DropStep, RenameStep, SelectStep
from ml.predicates import row_expression
from ml.recipes.rows import Rows


def rename(spec: RenameStep, rows: Rows) -> pl.LazyFrame:
    for old in spec.names:
        rows.need(old, f"names.{old}")
    after = Counter(spec.names.get(name, name) for name in rows.schema.names())
    for old, new in spec.names.items():
        if after[new] > 1:
            raise rows.refused(f"two columns would be called {new!r}", f"names.{old}")
    return rows.frame.rename(spec.names)


def select(spec: SelectStep, rows: Rows) -> pl.LazyFrame:
    rows.need_all(spec.columns, "columns")
    return rows.frame.select(spec.columns)


def drop(spec: DropStep, rows: Rows) -> pl.LazyFrame:
    rows.need_all(spec.columns, "columns")
    if not set(rows.schema.names()) - set(spec.columns):
        raise rows.refused("no column would be left", "columns")
    return rows.frame.drop(spec.columns)


def derive(spec: DeriveStep, rows: Rows) -> pl.LazyFrame:
    """Times stay in UTC microseconds and numbers plain, as everywhere on the platform."""
    with rows.naming("expression"):
        value = row_expression(spec.expression, rows.frame)
    dtype = rows.frame.select(value.alias(spec.name)).collect_schema()[spec.name]
    if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Time, pl.Object):
        why = f"the expression gives {dtype}, not numbers, text, booleans or times"
        raise rows.refused(why, "expression", fix="Cast it to one of them.")
    if dtype == pl.Null:
        value = value.cast(pl.String)
    elif dtype.is_temporal():
        value = value.cast(pl.Datetime("us"))
    elif dtype.is_decimal():
        value = value.cast(pl.Float64)
    return rows.frame.with_columns(value.alias(spec.name))
