"""Which functions do which step: `apply` changes the table, `learn` gives what it needs to know first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ml.recipes import columns, features, relations, selection, types, values
from ml.recipes.rows import Learned, Rows


@dataclass(frozen=True)
class Kind:
    apply: Callable[[Any, Rows], pl.LazyFrame]
    learn: Callable[[Any, Rows], Learned] | None = None


KINDS: Mapping[str, Kind] = {
    "drop_duplicates": Kind(selection.drop_duplicates),
    "filter": Kind(selection.keep_where),
    "sample": Kind(selection.sample),
    "rename": Kind(columns.rename),
    "select": Kind(columns.select),
    "drop": Kind(columns.drop),
    "derive": Kind(columns.derive),
    "cast": Kind(types.cast),
    "parse_dates": Kind(types.parse_dates),
    "fill": Kind(values.fill, values.learn_fill),
    "clip": Kind(values.clip, values.learn_clip),
    "replace": Kind(values.replace),
    "text": Kind(values.text),
    "one_hot": Kind(features.one_hot, features.learn_one_hot),
    "scale": Kind(features.scale, features.learn_scale),
    "join": Kind(relations.join),
    "aggregate": Kind(relations.aggregate),
}
