"""What a kind of check is made of. Each module beside this one turns a spec into a `Plan`; `suite` runs the plans."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import polars as pl

from domain.data_checks.specs import DriftCheck
from domain.datasets.specs import ColumnType
from ml.frames import column_type


class Unfit(Exception):
    """The check cannot be asked of this table (no such column, wrong type): it fails with this sentence."""


@dataclass(frozen=True)
class Outcome:
    """How a check came out.

    `rows` marks the failing rows by a boolean expression, where rows can be blamed; null counts as false.
    """

    ok: bool
    message: str
    value: float | str | None = None
    threshold: float | str | None = None
    failing: int = 0
    rows: pl.Expr | None = None


@dataclass(frozen=True)
class Plan:
    """`measures` are aggregates of one value each, computed in the pass all checks share; `judge` gets their values."""

    judge: Callable[[Mapping[str, Any]], Outcome]
    measures: Mapping[str, pl.Expr] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The table under test, as a check sees it while planning."""

    frame: pl.LazyFrame
    schema: pl.Schema
    reference: Callable[[DriftCheck], pl.LazyFrame | None]

    def need(self, *columns: str) -> None:
        """Raise `Unfit` unless all `columns` exist."""
        absent = [name for name in columns if name not in self.schema]
        if absent:
            raise Unfit(" ".join(self.no_column(name) for name in absent))

    def no_column(self, name: str) -> str:
        near = get_close_matches(name, self.schema.names(), n=1, cutoff=0.6)
        return f"There is no column {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")

    def type_of(self, column: str) -> ColumnType:
        return column_type(self.schema[column])


def is_missing(column: str, dtype: pl.DataType) -> pl.Expr:
    """True where there is no value: null, and for floats NaN."""
    here = pl.col(column)
    return here.is_null() | here.is_nan() if dtype.is_float() else here.is_null()


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def listed(names: Iterable[object], most: int = 5) -> str:
    """`'a', 'b' and 3 more`, for messages."""
    quoted = [repr(name) for name in names]
    shown = ", ".join(quoted[:most])
    return f"{shown} and {len(quoted) - most} more" if len(quoted) > most else shown


def percent(share: float) -> str:
    """A share for messages, with enough digits that a small one does not read as zero."""
    if share == 0:
        return "0%"
    return f"{share:.1%}" if share >= 0.001 else f"{share * 100:.2g}%"
