"""Carries out a recipe: its sources below each other, then step by step to the rows of a derived version.

The plan stays lazy and is collected once, at the end. Only where a step learns from the rows are they computed
before it, and no step is computed twice. Workers build derived dataset versions with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from domain.datasets.specs import RecipeSource
from domain.datasets.steps import DropDuplicatesStep, FilterStep, RecipeStep
from ml.frames import EmptyTable, schema
from ml.predicates import reason
from ml.recipes.kinds import KINDS
from ml.recipes.rows import ColumnsDiffer, Rows, StepRefused, listed


@dataclass(frozen=True)
class Lesson:
    """What the step at `place` (`steps.2`) learned, by column, as JSON can hold it."""

    place: str
    step: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Built:
    rows: pl.DataFrame
    lessons: list[Lesson]


@dataclass(frozen=True)
class _Order:
    """A step, and where it stands in the recipe: `where`, `unique` or `steps.2`."""

    place: str
    spec: RecipeStep

    @property
    def title(self) -> str:
        if self.place.startswith("steps."):
            return f"Step {int(self.place.removeprefix('steps.')) + 1} ({self.spec.step})"
        return self.place.capitalize()


@dataclass
class _Walk:
    """Rows on their way through the steps; the trail remembers each stage, for when something goes wrong."""

    frame: pl.LazyFrame
    others: Mapping[str, pl.LazyFrame]
    whose: str = ""
    trail: list[tuple[_Order, pl.LazyFrame]] = field(default_factory=list)
    refusals: list[StepRefused] = field(default_factory=list)

    def at(self, order: _Order) -> Rows:
        return Rows(
            self.frame, f"source.{order.place}", f"{order.title}{self.whose}", self.others, refusals=self.refusals
        )

    def settle(self) -> pl.DataFrame:
        """Compute the rows as they are now; later steps start from them. Raises `StepRefused` for the guilty step."""
        try:
            rows = self.frame.collect(engine="in-memory")
        except (PolarsError, StepRefused) as error:
            raise self._explained(error) from error
        if rows.is_empty():
            raise self._emptied()
        self.frame = rows.lazy()
        self.trail.clear()
        return rows

    def take(self, order: _Order, rows: Rows) -> None:
        self.frame = KINDS[order.spec.step].apply(order.spec, rows)
        self.trail.append((order, self.frame))

    def _explained(self, error: Exception) -> StepRefused:
        """What a step said while Polars computed; else what Polars says of the first stage that cannot be computed."""
        if self.refusals:
            return self.refusals[0]
        for order, frame in self.trail:
            try:
                frame.collect(engine="in-memory")
            except PolarsError as own:
                return StepRefused(f"{order.title}{self.whose}: {reason(own)}.", where=f"source.{order.place}")
        return StepRefused(f"The recipe cannot be carried out: {error}.", where="source")

    def _emptied(self) -> EmptyTable:
        for order, frame in self.trail:
            if frame.select(pl.len()).collect(engine="in-memory").item() == 0:
                where = f"source.{order.place}"
                return EmptyTable(
                    f"{order.title}{self.whose}: it leaves no rows.", where=where, fix="Let it keep more rows."
                )
        return EmptyTable("The recipe leaves no rows.", where="source")


def build(
    sources: Sequence[pl.LazyFrame],
    recipe: RecipeSource,
    *,
    others: Mapping[str, pl.LazyFrame] | None = None,
    training: pl.LazyFrame | None = None,
) -> Built:
    """The rows of `sources` (one for each of `recipe.concat`) below each other and taken through the steps.

    `others` are the joined tables by their reference; `training` the rows of `recipe.fit_on`, which walk through the
    same steps, so that what is learned is learned on rows of the same shape. Columns come in the order of the first
    source and may widen from integers to floats, nothing else. Raises `ColumnsDiffer`, `BadColumns`, `BadExpression`,
    `StepRefused` or `EmptyTable`, with the place in the order and the step's number in the message.
    """
    orders = _orders(recipe)
    walk = _Walk(_stacked(sources, recipe.concat), others or {})
    twin = None
    if training is not None and recipe.fit_on is not None:
        stacked = _stacked([sources[0], training], [recipe.concat[0], recipe.fit_on], last_only=True)
        twin = _Walk(stacked, others or {}, whose=f" on {recipe.fit_on}")
    last = max((place for place, order in enumerate(orders) if order.spec.learns), default=-1)
    lessons = []
    for place, order in enumerate(orders):
        teacher = twin or walk
        learned: Mapping[str, Any] = {}
        learn = KINDS[order.spec.step].learn
        if order.spec.learns and learn is not None:
            teacher.settle()
            learned = learn(order.spec, teacher.at(order))
            lessons.append(Lesson(order.place, order.spec.step, _as_json(learned)))
        elif order.spec.step == "sample":
            _settle_all(walk, twin)
        if twin is not None and place < last:
            twin.take(order, replace(twin.at(order), learned=learned))
        walk.take(order, replace(walk.at(order), learned=learned))
    return Built(walk.settle(), lessons)


def _settle_all(*walks: _Walk | None) -> None:
    for walk in walks:
        if walk is not None:
            walk.settle()


def _orders(recipe: RecipeSource) -> list[_Order]:
    orders = [_Order("where", FilterStep(where=recipe.where))] if recipe.where is not None else []
    if recipe.unique:
        orders.append(_Order("unique", DropDuplicatesStep(keys=recipe.unique, keep="last")))
    return orders + [_Order(f"steps.{place}", step) for place, step in enumerate(recipe.steps)]


def _stacked(sources: Sequence[pl.LazyFrame], names: Sequence[str], *, last_only: bool = False) -> pl.LazyFrame:
    first = schema(sources[0])
    for source, name in zip(sources, names, strict=True):
        _check_columns(first, source, names[0], name)
    chosen = sources[-1:] if last_only else sources
    return pl.concat([source.select(list(first)) for source in chosen], how="vertical_relaxed")


def _check_columns(first: dict[str, Any], source: pl.LazyFrame, first_name: str, name: str) -> None:
    columns = schema(source)
    if missing := [column for column in first if column not in columns]:
        raise ColumnsDiffer(f"{name} lacks the column {listed(missing)}, which {first_name} has.", where=name)
    if more := [column for column in columns if column not in first]:
        raise ColumnsDiffer(f"{name} has the column {listed(more)}, which {first_name} lacks.", where=name)
    for column, kind in columns.items():
        if kind != first[column] and {kind, first[column]} != {"integer", "number"}:
            message = f"The column {column!r} is {kind} in {name} and {first[column]} in {first_name}."
            raise ColumnsDiffer(message, where=name)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(inner) for name, inner in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value
