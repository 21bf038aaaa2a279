"""What a table is computed with: Polars in memory or streaming (here), or Spark (`adapters.spark`).

Checks and profiles are written once, as narwhals expressions on `Rows`, and run on whatever engine opened them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import narwhals as nw
import polars as pl
from polars.exceptions import PolarsError

from ml.frames import rows_as_json
from ml.predicates import BadExpression, reason, row_predicate

ROW = "row"
PRIME = 2**31 - 1
GOLDEN = 1_327_217_884
"""`PRIME` over the golden ratio: multiples of it fall evenly into [0, PRIME), whatever period the rows have."""

Frame = nw.LazyFrame[Any]


class Uncomputable(Exception):
    """The engine gave up on a query; the text is its own reason, without a full stop."""


@dataclass(frozen=True)
class Tally:
    """How often each value of `column` occurs, as (value, rows) pairs, nulls and NaN included.

    `where` leaves out rows, and `most` keeps that many values: the most frequent ones, or the lowest.
    """

    column: nw.Expr
    where: nw.Expr | None = None
    most: int | None = None
    order: Literal["count", "value"] = "count"

    def over(self, frame: Frame) -> Frame:
        asked = frame if self.where is None else frame.filter(self.where)
        counted = asked.select(self.column.alias("value")).group_by("value").agg(nw.len().alias("count"))
        if self.most is None:
            return counted
        if self.order == "value":
            return counted.sort("value").head(self.most)
        return counted.sort("count", "value", descending=[True, False]).head(self.most)


@dataclass(frozen=True)
class Distinct:
    """How many values `column` has; null and NaN are one each."""

    column: nw.Expr


Measure = nw.Expr | Tally | Distinct
"""An aggregate of one value, or the pairs of a tally."""


class Rows(ABC):
    """A table opened by an engine.

    In `frame` columns are named by their place, so that no engine trips over a name, and each row has its 0-based
    number as `ROW`. `schema` has the columns under their own names. `wheres` are SQL predicates, each with the
    boolean column that answers it, or with the error that it came to.
    """

    def __init__(self, frame: Frame, schema: pl.Schema, wheres: "Wheres") -> None:
        self.frame = frame
        self.schema = schema
        self._wheres = wheres
        self._places = {name: str(place) for place, name in enumerate(schema)}

    @abstractmethod
    def collect(self, queries: Sequence[Frame]) -> list[pl.DataFrame]:
        """The results of queries on `frame`; raises `Uncomputable`."""

    @abstractmethod
    def quantiles(self, values: Frame, shares: Sequence[float]) -> list[list[float | None]]:
        """For each column of `values` its quantiles, linear between two values; nulls are left out."""

    def count(self, mask: nw.Expr) -> nw.Expr:
        """Rows for which `mask` is true."""
        return mask.sum()

    def literal(self, value: Any) -> Any:
        """A number, text, boolean, or a time in UTC without a zone, as this engine takes it to be."""
        return value

    def column(self, name: str) -> nw.Expr:
        return nw.col(self._places[name])

    def where(self, sql: str) -> nw.Expr:
        """The rows that meet `sql`, which the table was opened with; raises `BadExpression` or `Uncomputable`."""
        answer = self._wheres[sql]
        if isinstance(answer, Exception):
            raise answer
        return nw.col(answer)

    def measure(self, measures: Mapping[Any, Measure]) -> dict[Any, Any]:
        """The value of each measure, all aggregates in one pass; raises `Uncomputable`."""
        aggregates = {
            key: measure.column.n_unique() if isinstance(measure, Distinct) else measure
            for key, measure in measures.items()
            if not isinstance(measure, Tally)
        }
        tallies = {key: measure for key, measure in measures.items() if isinstance(measure, Tally)}
        queries = [tally.over(self.frame) for tally in tallies.values()]
        if aggregates:
            numbered = (expr.alias(str(place)) for place, expr in enumerate(aggregates.values()))
            queries.append(self.frame.select(*numbered))
        results = self.collect(queries)
        values = dict(zip(aggregates, results.pop().row(0), strict=True)) if aggregates else {}
        return values | {key: result.rows() for key, result in zip(tallies, results, strict=True)}

    def first(self, masks: Sequence[nw.Expr], most: int) -> list[list[dict[str, Any]]]:
        """The first `most` rows under each mask as JSON can hold them, each with its number as `row`."""
        queries = [self.frame.filter(mask).select(ROW).sort(ROW).head(most) for mask in masks]
        numbers: list[list[int]] = [found[ROW].to_list() for found in self.collect(queries)]
        wanted = sorted({number for few in numbers for number in few})
        if not wanted:
            return [[] for _ in masks]
        (found,) = self.collect([self._table().filter(nw.col(ROW).is_in(wanted))])
        rows = dict(zip(found[ROW], rows_as_json(self._named(found)), strict=True))
        return [[{**rows[number], "row": number} for number in few] for few in numbers]

    def sample(self, most: int) -> pl.DataFrame:
        """About `most` rows in their order, the same ones on every engine; all of them if there are no more.

        Taken by Fibonacci hashing of the row's number (Knuth, The Art of Computer Programming 3, 6.4).
        """
        total = self.measure({"rows": nw.len()})["rows"]
        place = (nw.col(ROW).cast(nw.Int64) % PRIME * GOLDEN) % PRIME
        picked = self._table().filter(place < PRIME * most // total) if total > most else self._table()
        (found,) = self.collect([picked])
        return self._named(found.sort(ROW))

    def values(self, name: str) -> pl.Series:
        """One column as a whole, in any order: what asks for it holds one column at a time in memory."""
        (found,) = self.collect([self.frame.select(self.column(name))])
        return found.to_series().cast(self.schema[name])

    def _table(self) -> Frame:
        """Whole rows, without the answers of predicates: one that fails must not spoil what does not ask for it."""
        return self.frame.select(ROW, *self._places.values())

    def _named(self, found: pl.DataFrame) -> pl.DataFrame:
        """Rows of `frame` as rows of the table: its names and types, whatever the engine made of them."""
        return found.select(pl.col(self._places[name]).cast(dtype).alias(name) for name, dtype in self.schema.items())


class Engine(Protocol):
    """`name` is shown to people."""

    @property
    def name(self) -> str: ...

    def open(self, table: pl.LazyFrame, wheres: Sequence[str] = ()) -> AbstractContextManager[Rows]:
        """`table` on this engine while inside; `wheres` are the predicates that will be asked of it."""
        ...


Wheres = Mapping[str, str | BadExpression | Uncomputable]


def numbered(table: pl.LazyFrame, wheres: Sequence[str]) -> tuple[pl.LazyFrame, dict[str, str | BadExpression]]:
    """The frame of `Rows`, and its predicates.

    A predicate is Polars SQL and is answered by Polars on every engine, as a column of booleans that goes along with
    the rows: there is one dialect, and no translation of it to be wrong.
    """
    schema = table.collect_schema()
    row = ROW
    while row in schema:
        row += "_"
    columns = [pl.col(row).alias(ROW), *(pl.col(name).alias(str(place)) for place, name in enumerate(schema))]
    answers: dict[str, str | BadExpression] = {}
    for place, sql in enumerate(dict.fromkeys(wheres)):
        try:
            columns.append(row_predicate(sql, table).alias(f"where {place}"))
        except BadExpression as error:
            answers[sql] = error
        else:
            answers[sql] = f"where {place}"
    return table.with_row_index(row).select(columns), answers


_WIDTHS: Mapping[pl.DataType, int] = {
    **dict.fromkeys((pl.Boolean(), pl.Int8(), pl.UInt8()), 1),
    **dict.fromkeys((pl.Int16(), pl.UInt16()), 2),
    **dict.fromkeys((pl.Int32(), pl.UInt32(), pl.Float32()), 4),
    pl.String(): 16,
}
"""Bytes of a value in memory, where they are not 8; of text without its letters."""


def size_of(table: pl.LazyFrame) -> int:
    """Bytes of the table in memory, as Arrow lays it out; found in one streaming pass over its text."""
    schema = table.collect_schema()
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    found = table.select(
        pl.len().alias("rows"), *(pl.col(name).str.len_bytes().sum().alias(f"{name} bytes") for name in texts)
    ).collect(engine="streaming")
    rows, *lengths = found.row(0)
    return int(rows * sum(_WIDTHS.get(dtype, 8) for dtype in schema.dtypes()) + sum(lengths))


class PolarsRows(Rows):
    """Queries run by Polars: in memory all at once; streaming one by one, so that their needs do not add up."""

    def __init__(self, frame: Frame, schema: pl.Schema, wheres: Wheres, *, streaming: bool) -> None:
        super().__init__(frame, schema, wheres)
        self._streaming = streaming

    def measure(self, measures: Mapping[Any, Measure]) -> dict[Any, Any]:
        if not self._streaming:
            return super().measure(measures)
        one_by_one = [key for key, measure in measures.items() if isinstance(measure, Distinct)]
        found = super().measure({key: measure for key, measure in measures.items() if key not in one_by_one})
        for key in one_by_one:  # each holds its column's values while it counts them
            found |= super().measure({key: measures[key]})
        return found

    def collect(self, queries: Sequence[Frame]) -> list[pl.DataFrame]:
        return self._collect([query.to_native() for query in queries])

    def quantiles(self, values: Frame, shares: Sequence[float]) -> list[list[float | None]]:
        native: pl.LazyFrame = values.to_native()
        every = [pl.col(name).quantile(list(shares), "linear") for name in native.collect_schema()]
        together = [every] if not self._streaming else [[one] for one in every]
        results = self._collect([native.select(few) for few in together if few])
        return [value for result in results for value in result.row(0)]

    def _collect(self, queries: list[pl.LazyFrame]) -> list[pl.DataFrame]:
        try:
            if self._streaming:
                return [query.collect(engine="streaming") for query in queries]
            return pl.collect_all(queries) if len(queries) > 1 else [query.collect() for query in queries]
        except PolarsError as error:
            raise Uncomputable(reason(error)) from error


@dataclass(frozen=True)
class Polars:
    """Polars on this machine. Streaming reads a table piece by piece, for those that do not fit in memory."""

    streaming: bool = False

    @property
    def name(self) -> str:
        return "Polars, streaming" if self.streaming else "Polars"

    @contextmanager
    def open(self, table: pl.LazyFrame, wheres: Sequence[str] = ()) -> Iterator[Rows]:
        frame, answers = numbered(table, wheres)
        yield PolarsRows(nw.from_native(frame), table.collect_schema(), answers, streaming=self.streaming)


IN_MEMORY = Polars()
STREAMING = Polars(streaming=True)
