"""What a kind of check is made of. Each module beside this one turns a spec into a `Plan`; `suite` runs the plans."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import polars as pl

from domain.data_checks.specs import DriftCheck
from domain.datasets.specs import ColumnType
from ml.engines import Measure, Rows
from ml.frames import column_type

FEW_VALUES = 8
"""Up to here comparing one by one is faster than looking up in a set."""


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
    rows: nw.Expr | None = None


@dataclass(frozen=True)
class Plan:
    """`measures` are computed in the pass all checks share, and `judge` gets their values.

    What is only of interest when something is wrong waits for a second pass: `then` says what, seeing the first
    values, and `judge` gets both.
    """

    judge: Callable[[Mapping[str, Any]], Outcome]
    measures: Mapping[str, Measure] = field(default_factory=dict)
    then: Callable[[Mapping[str, Any]], Mapping[str, Measure]] = lambda _: {}


@dataclass(frozen=True)
class Table:
    """The table under test, as a check sees it while planning."""

    rows: Rows
    reference: Callable[[DriftCheck], Rows | None]

    @property
    def schema(self) -> pl.Schema:
        return self.rows.schema

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

    def column(self, name: str) -> nw.Expr:
        return self.rows.column(name)

    def count(self, mask: nw.Expr) -> nw.Expr:
        """Rows for which `mask` is true, as a measure."""
        return self.rows.count(mask)

    def is_missing(self, name: str) -> nw.Expr:
        """True where there is no value: null, and for floats NaN."""
        here = self.column(name)
        return here.is_null() | here.is_nan() if self.schema[name].is_float() else here.is_null()

    def missing(self, name: str) -> nw.Expr:
        """Rows without a value, as a measure."""
        here = self.column(name)
        return here.null_count() + self.count(here.is_nan()) if self.schema[name].is_float() else here.null_count()

    def is_one_of(self, name: str, values: Iterable[Any], *, as_float: bool = False) -> nw.Expr:
        """True where the column holds one of `values`, null where it holds none; both as floats if `as_float`."""
        here = self.column(name).cast(nw.Float64) if as_float else self.column(name)
        known = [float(value) if as_float else self.rows.literal(value) for value in values]
        return reduce(or_, (here == value for value in known)) if len(known) <= FEW_VALUES else here.is_in(known)


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
