"""Groups of rows: the values of a column, or equal parts of a number of many values. For slices and fairness."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from ml.values import MissingColumn, did_you_mean

PARTS_FROM: Final = 20
QUARTERS: Final = 4
MISSING: Final = "(missing)"


class NoGroups(Invalid):
    code = "no_groups"


@dataclass(frozen=True)
class Cut:
    """`codes` gives each row's place in `names`. `by_size`: the column was cut into parts of equal size."""

    column: str
    names: list[str]
    codes: NDArray[np.int64]
    by_size: bool

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.bincount(self.codes, minlength=len(self.names))

    def groups(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Each group that has rows, and which rows those are."""
        for code in np.flatnonzero(self.sizes):
            yield self.names[code], self.codes == code


def column_of(frame: pl.DataFrame, name: str, field: str) -> pl.Series:
    """A column that a check names. Raises `MissingColumn` with the near matches, and `NoGroups`."""
    if name not in frame.columns:
        hint = did_you_mean(name, frame.columns)
        raise MissingColumn(f"There is no column {name!r} among the frozen rows.", where=field, fix=hint)
    values = frame[name]
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object, pl.Duration):
        raise NoGroups(f"Column {name!r} holds {values.dtype}, which has no groups.", where=field)
    return values


def cut(values: pl.Series, parts: int = QUARTERS) -> Cut:
    """Rows by value; a number or time of more than twenty values is cut into `parts` of about equal size.

    Missing values are a group of their own; NaN counts as missing, and in a column that is cut so do infinities.
    """
    ordered = values.dtype.is_numeric() or values.dtype.is_temporal()
    if ordered and values.n_unique() > PARTS_FROM:
        return _by_size(values, parts)
    known = values.fill_nan(None) if values.dtype.is_float() else values
    texts = known.cast(pl.String).fill_null(MISSING)
    names = texts.unique().sort()
    codes = texts.replace_strict(names, pl.int_range(len(names), eager=True), return_dtype=pl.Int64)
    return Cut(values.name, names.to_list(), codes.to_numpy(), by_size=False)


def _by_size(values: pl.Series, parts: int) -> Cut:
    numbers = values.to_physical().cast(pl.Float64) if values.dtype.is_temporal() else values.cast(pl.Float64)
    known = numbers.is_finite().fill_null(value=False).to_numpy()
    array = numbers.fill_null(0.0).to_numpy()
    edges, names = quantile_bins(array[known], parts, values.dtype)
    codes = np.where(known, np.searchsorted(edges, array), len(names))
    return Cut(values.name, [*names, MISSING], codes.astype(np.int64), by_size=True)


def quantile_bins(
    known: NDArray[np.float64], parts: int, dtype: pl.DataType | None = None
) -> tuple[NDArray[np.float64], list[str]]:
    """Edges of bins `low < x <= high` that hold about equally many of the finite `known`, and the names of the bins."""
    edges = np.unique(np.quantile(known, np.linspace(0, 1, parts + 1)[1:-1], method="lower"))
    if dtype is not None and dtype.is_temporal():
        shown = pl.Series(edges).cast(pl.Int64).cast(dtype).cast(pl.String).to_list()
    else:
        shown = [f"{edge:.6g}" for edge in edges]
    return edges, [f"up to {shown[0]}", *(f"{low} to {high}" for low, high in pairwise(shown)), f"above {shown[-1]}"]
