"""Steps that choose rows: drop_duplicates, filter, sample."""

import numpy as np
import polars as pl

from domain.datasets.steps import DropDuplicatesStep, FilterStep, SampleStep
from ml.predicates import row_expression, row_predicate
from ml.recipes.rows import Rows


def drop_duplicates(spec: DropDuplicatesStep, rows: Rows) -> pl.LazyFrame:
    rows.need_all(spec.keys, "keys")
    return rows.frame.unique(spec.keys or None, keep=spec.keep, maintain_order=True)


def keep_where(spec: FilterStep, rows: Rows) -> pl.LazyFrame:
    with rows.naming("where"):
        if rows.place != "source.where":  # the recipe's own condition has always been taken with aggregates
            row_expression(spec.where, rows.frame)
        return rows.frame.filter(row_predicate(spec.where, rows.frame))


def sample(spec: SampleStep, rows: Rows) -> pl.LazyFrame:
    """The rows with the smallest random numbers. PCG64's stream is fixed by NumPy, whatever the version of Polars."""
    height = int(rows.frame.select(pl.len()).collect(engine="in-memory").item())
    wanted = spec.rows if spec.rows is not None else round((spec.share or 0) * height)
    drawn = np.random.Generator(np.random.PCG64(spec.seed)).random(height)
    kept = np.sort(np.argsort(drawn, kind="stable")[:wanted])
    return rows.frame.select(pl.all().gather(pl.lit(pl.Series(kept, dtype=pl.UInt32))))
