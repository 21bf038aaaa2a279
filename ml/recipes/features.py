"""Steps that make inputs of models: one_hot, scale."""

from typing import Any

import polars as pl

from domain.datasets.steps import OneHotStep, ScaleStep
from ml.recipes.rows import Learned, Rows, listed, wide

MOST_CATEGORIES = 1_000
_SHIFTS = {"standard": ("mean", "std"), "minmax": ("min", "range"), "robust": ("median", "quartile_range")}
_FITTING: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "boolean": (bool,)}


def one_hot(spec: OneHotStep, rows: Rows) -> pl.LazyFrame:
    added: list[pl.Expr] = []
    taken = set(rows.schema.names()) - (set() if spec.keep else {name for _, name in spec.named})
    for at, name in spec.named:
        kind = _category(rows, name, at)
        categories: list[Any] = rows.learned[name] if spec.learns else list(spec.categories or [])
        if misfits := [value for value in categories if type(value) not in _FITTING[kind]]:
            raise rows.refused(f"{name!r} is {kind}, which {listed(misfits)} cannot be", "categories")
        for value in categories:
            called = f"{name}_{str(value).lower() if kind == 'boolean' else value}"
            if called in taken:
                raise rows.refused(f"there is a column {called!r} already", at, fix="Rename it first.")
            taken.add(called)
            added.append((pl.col(name) == value).fill_null(value=False).cast(pl.Int8).alias(called))
    wide = rows.frame.with_columns(added)
    return wide if spec.keep else wide.drop([name for _, name in spec.named])


def learn_one_hot(spec: OneHotStep, rows: Rows) -> Learned:
    """The categories that occur, in their order."""
    found = {}
    for at, name in spec.named:
        _category(rows, name, at)
        categories = rows.values(name).drop_nulls().unique().sort()
        if categories.is_empty():
            raise rows.refused(f"{name!r} has no values to learn from", at)
        if len(categories) > MOST_CATEGORIES:
            why = f"{name!r} has {len(categories):,} categories, more than {MOST_CATEGORIES:,}"
            raise rows.refused(why, at, fix="Name those that count in `categories`, or replace the rare ones first.")
        found[name] = categories.to_list()
    return found


def scale(spec: ScaleStep, rows: Rows) -> pl.LazyFrame:
    """A column that does not vary becomes 0, as in scikit-learn."""
    shift, spread = _SHIFTS[spec.method]
    scaled = []
    for at, name in spec.named:
        rows.need_number(name, at)
        learned = rows.learned[name]
        column = wide(name, rows.schema[name]).cast(pl.Float64)
        scaled.append((column - learned[shift]) / (learned[spread] or 1.0))
    return rows.frame.with_columns(scaled)


def learn_scale(spec: ScaleStep, rows: Rows) -> Learned:
    shift, spread = _SHIFTS[spec.method]
    found = {}
    for at, name in spec.named:
        rows.need_number(name, at)
        values = rows.values(name).drop_nulls().cast(pl.Float64)
        if values.is_empty():
            raise rows.refused(f"{name!r} has no values to learn from", at)
        if values.is_infinite().any():
            raise rows.refused(f"{name!r} has infinite values", at, fix="Clip or filter them first.")
        found[name] = dict(zip((shift, spread), _measured(values, spec.method), strict=True))
    return found


def _measured(values: pl.Series, method: str) -> tuple[float, float]:
    numbers = values.to_numpy()
    if method == "standard":
        return float(numbers.mean()), float(numbers.std())
    if method == "minmax":
        return float(numbers.min()), float(numbers.max() - numbers.min())
    low, middle, high = (float(values.quantile(share, "linear") or 0.0) for share in (0.25, 0.5, 0.75))
    return middle, high - low


def _category(rows: Rows, name: str, at: str) -> str:
    kind = rows.need(name, at)
    if kind not in _FITTING:
        raise rows.refused(
            f"{name!r} is {kind}, which has no categories", at, fix="Cast it to string or integer first."
        )
    return kind
