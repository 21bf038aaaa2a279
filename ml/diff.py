"""Two versions of a table compared: columns, whole rows, and how far each column moved. Workers run it on request."""

import polars as pl

from domain.datasets.specs import ColumnShift, VersionDiff
from ml.drift import compare, missing
from ml.frames import column_type, schema


def diff(before: pl.LazyFrame, after: pl.LazyFrame, before_number: int, after_number: int) -> VersionDiff:
    """What changed from `before` to `after`.

    Rows are compared over the columns both versions have, so that a new column does not make every row a new one;
    they count as a multiset: a row that was there once and is there three times was added twice.
    """
    old, new = before.collect(), after.collect()
    types_before, types_after = schema(old), schema(new)
    shared = [name for name in types_before if name in types_after]
    added, removed = _row_changes(old, new, shared)
    return VersionDiff(
        before=before_number,
        after=after_number,
        rows_before=old.height,
        rows_after=new.height,
        rows_added=added,
        rows_removed=removed,
        columns_added=[name for name in types_after if name not in types_before],
        columns_removed=[name for name in types_before if name not in types_after],
        columns_retyped={
            name: (types_before[name], types_after[name]) for name in shared if types_before[name] != types_after[name]
        },
        shifts=[_shift(old[name], new[name]) for name in shared],
    )


def _row_changes(old: pl.DataFrame, new: pl.DataFrame, shared: list[str]) -> tuple[int, int]:
    """Rows added and removed. Rows meet by a 64-bit hash: a collision in a billion rows has odds of about 3 %."""
    if not shared:
        return new.height, old.height
    alike = [_common_type(name, old.schema[name], new.schema[name]) for name in shared]
    counted = [
        side.select(pl.struct(alike).hash(seed=0).alias("row"))
        .group_by("row")
        .agg(pl.len().cast(pl.Int64).alias("times"))
        for side in (old, new)
    ]
    both = counted[0].join(counted[1], on="row", how="full", coalesce=True).fill_null(0)
    change = both["times_right"] - both["times"]
    return int(change.clip(0).sum()), int((-change).clip(0).sum())


def _common_type(name: str, before: pl.DataType, after: pl.DataType) -> pl.Expr:
    """Equal values hash alike only when they have one type: 1 is 1.0, and "1" is the text of 1."""
    column = pl.col(name)
    if before == after:
        return column
    return column.cast(pl.Float64 if before.is_numeric() and after.is_numeric() else pl.String)


def _shift(before: pl.Series, after: pl.Series) -> ColumnShift:
    both = compare(before, after)
    return ColumnShift(
        name=before.name,
        psi=both.psi if both else None,
        js=both.js if both else None,
        mean_before=_mean(before),
        mean_after=_mean(after),
        nulls_before=missing(before),
        nulls_after=missing(after),
    )


def _mean(column: pl.Series) -> float | None:
    if column_type(column.dtype) not in ("integer", "number"):
        return None
    values = column.drop_nulls().cast(pl.Float64)
    mean = values.filter(values.is_finite()).mean()
    return float(mean) if isinstance(mean, float) else None
