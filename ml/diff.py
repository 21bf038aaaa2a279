"""Two versions of a table compared: columns, rows, and how far each column moved. Workers run it on request."""

from collections.abc import Sequence

import polars as pl

from domain.datasets.specs import ColumnShift, VersionDiff
from ml.drift import compare, missing
from ml.frames import column_type, schema
from ml.row_diff import Side, as_multiset, by_key


def diff(
    before: pl.LazyFrame, after: pl.LazyFrame, before_number: int, after_number: int, key: Sequence[str] = ()
) -> VersionDiff:
    """What changed from `before` to `after`.

    Rows are compared over the columns both versions have, so that a new column does not make every row another one.
    Rows meet by the columns of `key`; without one they count as a multiset. Raises as `ml.row_diff.by_key`.
    """
    old, new = before.collect(), after.collect()
    types_before, types_after = schema(old), schema(new)
    shared = [name for name in types_before if name in types_after]
    sides = Side(before_number, old), Side(after_number, new)
    rows = by_key(*sides, list(key)) if key else as_multiset(*sides)
    return VersionDiff(
        before=before_number,
        after=after_number,
        rows_before=old.height,
        rows_after=new.height,
        key=list(key),
        rows_added=rows.added,
        rows_removed=rows.removed,
        rows_changed=rows.changed,
        changes=rows.changes,
        added=rows.added_sample,
        removed=rows.removed_sample,
        changed=rows.changed_sample,
        columns_added=[name for name in types_after if name not in types_before],
        columns_removed=[name for name in types_before if name not in types_after],
        columns_retyped={
            name: (types_before[name], types_after[name]) for name in shared if types_before[name] != types_after[name]
        },
        shifts=[_shift(old[name], new[name]) for name in shared],
    )


def _shift(before: pl.Series, after: pl.Series) -> ColumnShift:
    psi, js = _moved(before, after)
    return ColumnShift(
        name=before.name,
        psi=psi,
        js=js,
        mean_before=_mean(before),
        mean_after=_mean(after),
        nulls_before=missing(before),
        nulls_after=missing(after),
    )


def _moved(before: pl.Series, after: pl.Series) -> tuple[float | None, float | None]:
    """PSI and JS, `None` where they cannot be said. Most columns of a new version are those of the old one."""
    if before.dtype == after.dtype and before.equals(after):
        nowhere = 0.0 if missing(before) < len(before) else None
        return nowhere, nowhere
    both = compare(before, after)
    return (both.psi, both.js) if both else (None, None)


def _mean(column: pl.Series) -> float | None:
    if column_type(column.dtype) not in ("integer", "number"):
        return None
    values = column.drop_nulls().cast(pl.Float64)
    mean = values.filter(values.is_finite()).mean()
    return float(mean) if isinstance(mean, float) else None
