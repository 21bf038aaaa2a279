"""Rows of two tables compared: by key columns, or whole rows as a multiset. `ml.diff` puts it beside the columns.

Rows that stand at the same distance from the start, or else from the end, are tried first. Between two versions of a
table that is most of them, and only the others have to be looked up by a join.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from domain.datasets.specs import ChangedRow, refuse_unknown_key
from domain.errors import Conflict
from ml.frames import rows_as_json

SAMPLE_ROWS = 10
SAMPLE_TEXT = 1_000
"""Letters of one value in a sample."""

Positions = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class NullKeys(Conflict):
    """A row without a key cannot be found on the other side."""

    code = "null_keys"


class DuplicateKeys(Conflict):
    """The key names more than one row."""

    code = "duplicate_keys"


@dataclass(frozen=True)
class Side:
    """One of the two tables, and the number of its version."""

    number: int
    rows: pl.DataFrame


@dataclass(frozen=True)
class RowChanges:
    """How many rows came, went and changed, with the first of each; `changes` counts changed rows by column."""

    added: int
    removed: int
    added_sample: list[dict[str, Any]]
    removed_sample: list[dict[str, Any]]
    changed: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    changed_sample: list[ChangedRow] = field(default_factory=list)


@dataclass(frozen=True)
class _Pairs:
    """The rows that both sides have: the n-th of them stands at `in_before[n]` and at `in_after[n]`."""

    before: Side
    after: Side
    in_before: Positions
    in_after: Positions

    def differences(self, but: list[str]) -> dict[str, pl.Series]:
        """For each shared column (`but` those) that differs anywhere, whether it does in each pair."""
        found = {}
        for name in self.before.rows.columns:
            if name in but or name not in self.after.rows.columns:
                continue
            old = _take(self.before.rows.select(name), self.in_before)
            new = _take(self.after.rows.select(name), self.in_after)
            old, new = _alike(old, new)
            differs = old.to_series().ne_missing(new.to_series())
            if differs.any():
                found[name] = differs
        return found

    def sample(self, changed: Positions, key: list[str], differs: dict[str, pl.Series]) -> list[ChangedRow]:
        """The first changed rows in the order of `after`, with what differs in them on both sides."""
        first = changed[np.argsort(self.in_after[changed], kind="stable")[:SAMPLE_ROWS]]
        old = _plain(self.before.rows[self.in_before[first]])
        new = _plain(self.after.rows[self.in_after[first]])
        rows = []
        for place, was, is_now in zip(first.tolist(), old, new, strict=True):
            names = [name for name, mask in differs.items() if mask[place]]
            keys = {name: is_now[name] for name in key}
            befores, afters = ({name: row[name] for name in names} for row in (was, is_now))
            rows.append(ChangedRow(key=keys, before=befores, after=afters))
        return rows


def by_key(before: Side, after: Side, key: list[str]) -> RowChanges:
    """Rows that have the same key are one row, changed when another column both sides have differs.

    Values are compared in the type both sides can have, so that a column which became one of floats has not changed.
    Null equals null, and NaN equals NaN. Raises `UnknownKeyColumn`, `NullKeys` or `DuplicateKeys`.
    """
    refuse_unknown_key(key, (before.number, before.rows.columns), (after.number, after.rows.columns))
    keys = _alike(before.rows.select(key), after.rows.select(key))
    for side, own in zip((before, after), keys, strict=True):
        _tell_apart(side, own)
    pairs = _Pairs(before, after, *_pairs(*keys))
    differs = pairs.differences(but=key)
    changed = _any(differs, len(pairs.in_before))
    removed, added = _others(before.rows.height, pairs.in_before), _others(after.rows.height, pairs.in_after)
    return RowChanges(
        added=len(added),
        removed=len(removed),
        added_sample=_sample(after, added),
        removed_sample=_sample(before, removed),
        changed=len(changed),
        changes={name: int(mask.sum()) for name, mask in sorted(differs.items(), key=lambda one: -int(one[1].sum()))},
        changed_sample=pairs.sample(changed, key, differs),
    )


def as_multiset(before: Side, after: Side) -> RowChanges:
    """Whole rows over the columns both sides have: one that was there once and is there three times came twice.

    Rows meet by a 64-bit hash: a collision in a billion rows has odds of about 3 %.
    """
    shared = [name for name in before.rows.columns if name in after.rows.columns]
    if not shared:
        return _came_and_went(before, after, [np.arange(side.rows.height) for side in (before, after)])
    left = _left(*_alike(before.rows.select(shared), after.rows.select(shared)))
    runs = [_runs(side["row"]) for side in left]
    went, came = _surplus(*runs), _surplus(*runs[::-1])
    # Of equal rows that came, one is shown.
    firsts = [
        side.filter(pl.col("row").is_in(pl.Series(values).implode())).unique("row", keep="first")["at"].to_numpy()
        for side, (values, _) in zip(left, (went, came), strict=True)
    ]
    return _came_and_went(before, after, firsts, (int(went[1].sum()), int(came[1].sum())))


def _came_and_went(
    before: Side, after: Side, shown: Sequence[Positions], counts: tuple[int, int] | None = None
) -> RowChanges:
    """Rows that went and rows that came: where they stand, and how many they are if not all of them are shown."""
    removed, added = counts or (len(shown[0]), len(shown[1]))
    return RowChanges(
        added=added,
        removed=removed,
        added_sample=_sample(after, shown[1]),
        removed_sample=_sample(before, shown[0]),
    )


def _tell_apart(side: Side, keys: pl.DataFrame) -> None:
    """Refuse keys that do not name every row, and only one."""
    for column in keys:
        empty = column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)
        if empty:
            what = f"Version {side.number} has {empty:,} rows without a value in the key column {column.name!r}."
            raise NullKeys(what, where="key", fix="Choose columns that have a value in every row.")
    repeated = keys.height - (keys.to_series() if keys.width == 1 else keys).n_unique()
    if repeated:
        first = rows_as_json(keys.filter(keys.is_duplicated()).head(1))[0]
        shown = ", ".join(f"{name}={value!r}" for name, value in first.items())
        what = f"Version {side.number} has {repeated:,} rows with the key of an earlier row, such as {shown}."
        fix = "Choose columns that tell all rows apart, or compare without a key."
        raise DuplicateKeys(what, where="key", fix=fix)


def _alike(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with the same columns in types that let equal values be equal."""
    pairs = [_common(before[name], after[name]) for name in before.columns]
    return pl.DataFrame([old for old, _ in pairs]), pl.DataFrame([new for _, new in pairs])


def _common(before: pl.Series, after: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Equal values are equal only in one type: 1 is 1.0, and "1" is the text of 1."""
    kinds = before.dtype, after.dtype
    if kinds[0] == kinds[1]:
        return before, after
    if pl.String in kinds:
        return _as_text(before, after.dtype), _as_text(after, before.dtype)
    if all(kind.is_integer() or kind == pl.Boolean for kind in kinds):
        common: type[pl.DataType] = pl.Int128 if pl.UInt64 in kinds else pl.Int64
    elif all(kind.is_numeric() or kind == pl.Boolean for kind in kinds):
        # What became more precise has not changed: as far as the less precise side can say.
        common = pl.Float32 if pl.Float32 in kinds and kinds[0].is_float() and kinds[1].is_float() else pl.Float64
    else:
        common = pl.String
    return before.cast(common), after.cast(common)


def _as_text(column: pl.Series, other: pl.DataType) -> pl.Series:
    """Text, written as values of the `other` type are where it can be read as one: "1.50" is the text of 1.5."""
    if column.dtype != pl.String:
        return column.cast(pl.String)
    try:
        if other.is_temporal():
            read = column.str.to_datetime(strict=False, time_unit="us")
        elif other.is_numeric():
            read = column.cast(other, strict=False)
        else:
            read = column.str.to_lowercase()
    except PolarsError:
        return column
    return pl.select(pl.coalesce(pl.lit(read).cast(pl.String), pl.lit(column))).to_series().alias(column.name)


def _pairs(before: pl.DataFrame, after: pl.DataFrame) -> tuple[Positions, Positions]:
    """Where the rows that both sides have stand in each; `before` and `after` are keys that name one row each."""
    standing = _standing(before, after)
    left = []
    for side, places in zip((before, after), standing, strict=True):
        others = _others(side.height, places)
        columns = [column.alias(str(number)) for number, column in enumerate(side[others])]
        left.append(pl.DataFrame([*columns, pl.Series("at", others)]))
    moved = left[0].join(left[1], on=left[0].columns[:-1], how="inner")
    return (
        np.concatenate([standing[0], moved["at"].to_numpy()]),
        np.concatenate([standing[1], moved["at_right"].to_numpy()]),
    )


def _standing(before: pl.DataFrame, after: pl.DataFrame) -> tuple[Positions, Positions]:
    """Rows that are equal and stand at the same distance from the start, or of those left from the end."""
    short = min(before.height, after.height)
    heads = _same(before.head(short), after.head(short))
    found = [heads, heads]
    if before.height != after.height:
        ends = before.height - short, after.height - short
        tails = _same(before.tail(short), after.tail(short))
        taken = np.zeros(max(before.height, after.height), bool)
        taken[heads] = True
        tails = tails[~(taken[tails + ends[0]] | taken[tails + ends[1]])]
        found = [np.concatenate([heads, tails + end]) for end in ends]
    return found[0], found[1]


def _same(before: pl.DataFrame, after: pl.DataFrame) -> Positions:
    masks = [before[name] == after[name] for name in before.columns]
    return reduce(and_, masks).arg_true().to_numpy().astype(np.int64)


def _left(before: pl.DataFrame, after: pl.DataFrame) -> list[pl.DataFrame]:
    """Hash and position of the rows of each side that do not stand where an equal one stands."""
    hashes = [side.hash_rows(seed=0).alias("row").to_frame() for side in (before, after)]
    others = [_others(side.height, places) for side, places in zip(hashes, _standing(*hashes), strict=True)]
    return [
        _take(side, places).with_columns(pl.Series("at", places)) for side, places in zip(hashes, others, strict=True)
    ]


def _runs(hashes: pl.Series) -> tuple[Hashes, Positions]:
    """The distinct hashes, ascending, and how often each occurs. Sorting is several times faster than grouping."""
    ordered = hashes.sort().to_numpy()
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))[: len(ordered)]
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def _surplus(here: tuple[Hashes, Positions], there: tuple[Hashes, Positions]) -> tuple[Hashes, Positions]:
    """The hashes that occur more often `here` than `there`, and how much more often."""
    (values, times), (others, other_times) = here, there
    places = np.searchsorted(others, values)
    known = places < len(others)
    known[known] = others[places[known]] == values[known]
    more = times.copy()
    more[known] -= other_times[places[known]]
    return values[more > 0], more[more > 0]


def _take(frame: pl.DataFrame, places: Positions) -> pl.DataFrame:
    """The rows at these positions; a run of them is a slice, which copies nothing."""
    if len(places) and places[-1] - places[0] + 1 == len(places) and (np.diff(places) == 1).all():
        return frame.slice(int(places[0]), len(places))
    return frame[places]


def _others(height: int, places: Positions) -> Positions:
    """All positions but these, ascending."""
    left = np.ones(height, bool)
    left[places] = False
    return np.flatnonzero(left)


def _any(masks: dict[str, pl.Series], rows: int) -> Positions:
    changed = np.zeros(rows, bool)
    for mask in masks.values():
        changed |= mask.to_numpy()
    return np.flatnonzero(changed)


def _sample(side: Side, places: Positions) -> list[dict[str, Any]]:
    return _plain(side.rows[np.sort(places)[:SAMPLE_ROWS]])


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """As JSON holds them, without the rest of very long texts."""
    text = pl.col(pl.String)
    cut = pl.when(text.str.len_chars() > SAMPLE_TEXT).then(text.str.head(SAMPLE_TEXT) + "…").otherwise(text)
    return rows_as_json(rows.with_columns(cut) if pl.String in rows.dtypes else rows)
