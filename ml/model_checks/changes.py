"""The table of changes: a frame of rows and a change in, the changed frame out; the same for the same seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from domain.errors import Invalid
from domain.model_checks.specs import Assign, Change, Noise, Shift, Shuffle
from domain.registry.specs import InputColumn, Label, Signature
from ml.model_checks import texts
from ml.model_checks.templates import Lexicons, text_input
from ml.values import did_you_mean, read_datetime, read_number, read_text

_NUMERIC: Final = frozenset({"number", "integer"})


class UnfitChange(Invalid):
    """The change names a column that is not there, or that it cannot change."""

    code = "unfit_change"


@dataclass(frozen=True)
class Setting:
    """What a change knows beside the rows. `text`: the text that is changed; None is the only one."""

    signature: Signature
    lexicons: Lexicons
    seed: int
    text: str | None = None


OfTexts = Callable[[Any, list[str], Lexicons, random.Random], list[str]]
OfRows = Callable[[Any, pl.DataFrame, Setting], pl.DataFrame]


def apply_change(change: Change, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    """The rows as the change leaves them, in their order. Raises a kind of `Invalid` when it does not fit them."""
    return CHANGES[change.kind](change, frame, setting)


def _of_text(new: OfTexts) -> OfRows:
    """A change of texts as one of rows. Missing texts stay missing."""

    def changed(change: Any, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
        name = text_input(setting.text, setting.signature)
        old = _series(name, frame).cast(pl.String)
        known = old.is_not_null()
        generator = random.Random(setting.seed)  # noqa: S311 - repeatable on purpose
        made = new(change, old.drop_nulls().to_list(), setting.lexicons, generator)
        values = np.full(len(old), None, dtype=object)
        values[known.to_numpy()] = made
        return frame.with_columns(pl.Series(name, values.tolist(), dtype=pl.String))

    return changed


def _noise(change: Noise, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    generator = np.random.default_rng(setting.seed)
    if change.columns is None:
        names = [column.name for column in setting.signature.inputs if _is_amount(column)]
    else:
        names = change.columns
    moved = []
    for name in names:
        values, whole = _amounts(name, frame, setting, "change.columns")
        known = values.fill_nan(None).drop_nulls()
        spread = float(np.std(known.to_numpy())) if len(known) else 0.0
        moved.append(_rounded(values + pl.Series(generator.normal(0.0, change.scale * spread, len(values))), whole))
    return frame.with_columns(moved)


def _shift(change: Shift, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    values, whole = _amounts(change.column, frame, setting, "change.column")
    moved = values + change.by if change.by is not None else values * change.factor
    return frame.with_columns(_rounded(moved, whole))


def _shuffle(change: Shuffle, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    for name in change.columns:
        _known(name, frame, setting, "change.columns")
    order = np.random.default_rng(setting.seed).permutation(frame.height)
    return frame.with_columns(frame[name][order] for name in change.columns)


def _assign(change: Assign, frame: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    column = _known(change.column, frame, setting, "change.column")
    old = frame[change.column]
    if change.values is None:
        return frame.with_columns(_values([change.value], column, old)[[0] * frame.height])
    text = old.cast(pl.String)
    names, news = list(change.values), _values(list(change.values.values()), column, old)
    place = text.replace_strict(names, range(len(names)), default=None, return_dtype=pl.Int64)
    if isinstance(old.dtype, pl.Categorical | pl.Enum):
        old = text
    chosen = pl.Series(old.name, news)[place.fill_null(0)]
    return frame.with_columns(
        pl.select(pl.when(place.is_null()).then(old).otherwise(chosen).alias(old.name)).to_series()
    )


def _values(given: Sequence[Label | None], column: InputColumn | None, old: pl.Series) -> pl.Series:
    """The values, each one that the input can hold. Raises `WrongType` and its like."""
    where = f"change.{old.name}"
    for value in given:
        if column is None:  # the model does not look at it
            break
        if column.type == "datetime":
            read_datetime(column, value, where)
        elif column.type == "string":
            read_text(column, value, where, "")
        else:
            read_number(column, value, where)
    made = pl.Series(old.name, given, strict=False)
    return made.str.to_datetime().cast(old.dtype) if old.dtype.is_temporal() else made


CHANGES: Final[dict[str, OfRows]] = {
    "typos": _of_text(texts.typos),
    "case": _of_text(texts.case),
    "punctuation": _of_text(texts.punctuation),
    "append": _of_text(texts.append),
    "replace": _of_text(texts.replace),
    "noise": _noise,
    "shift": _shift,
    "shuffle": _shuffle,
    "assign": _assign,
}


def _series(name: str, frame: pl.DataFrame) -> pl.Series:
    if name not in frame.columns:
        raise UnfitChange(f"The rows have no column {name!r}.", where="change", fix=did_you_mean(name, frame.columns))
    return frame[name]


def _known(name: str, frame: pl.DataFrame, setting: Setting, where: str) -> InputColumn | None:
    """The input of that name; None for a column that the rows have and the model does not look at."""
    column = next((column for column in setting.signature.inputs if column.name == name), None)
    if name not in frame.columns:
        raise UnfitChange(f"There is no column {name!r}.", where=where, fix=did_you_mean(name, frame.columns))
    return column


def _amounts(name: str, frame: pl.DataFrame, setting: Setting, where: str) -> tuple[pl.Series, bool]:
    """The numbers of a column, and whether they are whole."""
    column = _known(name, frame, setting, where)
    values = frame[name]
    if not values.dtype.is_numeric() or (column is not None and not _is_amount(column)):
        what = f"{column.type}, a category" if column is not None and column.category else str(values.dtype)
        raise UnfitChange(
            f"{name!r} is no amount but {what}.", where=where, fix="Change it with assign or shuffle instead."
        )
    return values.cast(pl.Float64), column.type == "integer" if column is not None else values.dtype.is_integer()


def _is_amount(column: InputColumn) -> bool:
    return column.type in _NUMERIC and not column.category


def _rounded(values: pl.Series, whole: bool) -> pl.Series:
    return values.round() if whole else values
