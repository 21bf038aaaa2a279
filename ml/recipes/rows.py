"""What a step is given: `Rows`, the table as the step meets it, with the words for what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import polars as pl

from domain.datasets.specs import ColumnType
from domain.errors import Invalid
from ml.frames import BadColumns, column_type
from ml.predicates import BadExpression

NUMERIC: tuple[ColumnType, ...] = ("integer", "number")
Learned = Mapping[str, Any]


class ColumnsDiffer(Invalid):
    """Tables that are to be put one below the other do not have the same columns."""

    code = "columns_differ"


class StepRefused(Invalid):
    """A step does not fit the rows it meets; `where` is its place in the order, the message says which step it is."""

    code = "recipe_step_refused"


@dataclass(frozen=True)
class Rows:
    """The table when a step meets it.

    `place` is where the step stands in the order (`source.steps.2`) and `title` what to call it. `others` are the
    joined tables by their reference, `learned` is what the step's `learn` gave, by column. A function that Polars calls
    while it computes puts its refusal into `refusals` before it raises it: Polars hands on no more than the message.
    """

    frame: pl.LazyFrame
    place: str
    title: str
    others: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    learned: Learned = field(default_factory=dict)
    refusals: list[StepRefused] = field(default_factory=list)

    @property
    def schema(self) -> pl.Schema:
        return self.frame.collect_schema()

    def need(self, name: str, at: str) -> ColumnType:
        """The type of the column; `BadColumns` with near matches when there is none. `at` is its place in the step."""
        schema = self.schema
        if name not in schema:
            near = get_close_matches(name, schema.names(), n=3, cutoff=0.6)
            fix = f"Did you mean {listed(near)}?" if near else f"It has {listed(schema.names(), most=10)}."
            raise BadColumns(f"{self.title}: there is no column {name!r}.", where=self.within(at), fix=fix)
        return column_type(schema[name])

    def need_all(self, names: Iterable[str], at: str) -> None:
        """As `need`, for a list at one place."""
        for place, name in enumerate(names):
            self.need(name, f"{at}.{place}")

    def need_number(self, name: str, at: str) -> ColumnType:
        kind = self.need(name, at)
        if kind not in NUMERIC:
            raise self.refused(f"{name!r} is {kind}, not a number", at, fix="Cast it first.")
        return kind

    def refused(self, why: str, at: str, fix: str | None = None) -> StepRefused:
        """The error to raise, in the words of a sentence without its end."""
        return StepRefused(f"{self.title}: {why}.", where=self.within(at), fix=fix)

    @contextmanager
    def naming(self, at: str) -> Iterator[None]:
        """Gives an error about an expression the step's title and its place."""
        try:
            yield
        except BadExpression as error:
            raise BadExpression(f"{self.title}: {error.message}", where=self.within(at), fix=error.fix) from error

    def within(self, at: str) -> str:
        """The place of a step's field. `where` and `unique` of the recipe are steps without fields."""
        return f"{self.place}.{at}" if at and self.place.startswith("source.steps.") else self.place

    def values(self, name: str) -> pl.Series:
        """The column in memory and in one piece, so that sums of floats come out the same everywhere; NaN is null."""
        column = self.frame.select(name).collect(engine="in-memory").to_series().rechunk()
        return column.fill_nan(None) if column.dtype.is_float() else column


def wide(name: str, dtype: pl.DataType) -> pl.Expr:
    """The column as a step may change it: integers of 64 bits, so that a new value fits, and null in place of NaN."""
    column = pl.col(name)
    if dtype.is_float():
        return column.fill_nan(None)
    return column.cast(pl.Int64) if dtype.is_integer() and dtype != pl.UInt64 else column


def listed(names: Iterable[object], most: int = 5) -> str:
    """`'a', 'b' and 3 more`, for messages."""
    quoted = [repr(name) for name in names]
    shown = ", ".join(quoted[:most])
    return f"{shown} and {len(quoted) - most} more" if len(quoted) > most else shown
