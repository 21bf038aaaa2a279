"""Which rows train, validate and test a model, and a content hash that tells later which rows a model has seen.

Called by `ml.trainers`, and by the workers that gather frozen rows for a paired test.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.registry.specs import Task
from domain.training.specs import SplitSpec
from ml.values import did_you_mean

Rows = NDArray[np.int64]


class CannotSplit(Invalid):
    code = "cannot_split"


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, ascending, without overlap, together every row of the frame."""

    train: Rows
    validation: Rows
    test: Rows


def split(frame: pl.DataFrame, spec: SplitSpec, target: str, task: Task, seed: int) -> Split:
    """Divide the rows of `frame` as `spec` says; the same frame, spec and seed give the same parts.

    `time` takes the latest rows for test and those before them for validation; rows of one moment may fall on both
    sides. `stratified` keeps the shares of each value of `spec.column` (the target of a classification when absent)
    in every part. Raises `CannotSplit` when a part would be empty or a value has fewer than three rows.
    """
    if spec.method == "time":
        order = _by_time(frame, spec)
        groups = [order]
    else:
        generator = np.random.default_rng(seed)
        groups = [generator.permutation(rows) for rows in _strata(frame, spec, target, task)]
    parts = [_cut(rows, spec) for rows in groups]
    train, validation, test = (np.sort(np.concatenate([part[i] for part in parts])) for i in range(3))
    for name, rows in (("train", train), ("validation", validation), ("test", test)):
        if rows.size == 0:
            raise CannotSplit(
                f"{frame.height} rows leave none for {name}.", where="split", fix="Give more rows or other shares."
            )
    return Split(train, validation, test)


def _cut(rows: Rows, spec: SplitSpec) -> tuple[Rows, Rows, Rows]:
    """Train, validation and test from the front to the end of `rows`."""
    test = max(1, round(len(rows) * spec.test))
    validation = max(1, round(len(rows) * spec.validation))
    first = max(0, len(rows) - test - validation)
    return rows[:first], rows[first : len(rows) - test], rows[len(rows) - test :]


def _strata(frame: pl.DataFrame, spec: SplitSpec, target: str, task: Task) -> list[Rows]:
    everything = np.arange(frame.height, dtype=np.int64)
    if spec.method == "random":
        return [everything]
    if spec.column is None and task == "regression":
        raise CannotSplit("A stratified split of a regression needs a column.", where="split.column")
    values = _column(frame, spec.column or target)
    _, codes, counts = np.unique(
        values.cast(pl.String).fill_null("").to_numpy(), return_inverse=True, return_counts=True
    )
    rare = np.flatnonzero(counts < 3)
    if rare.size:
        row = int(np.flatnonzero(codes == rare[0])[0])
        raise CannotSplit(
            f"{values.name!r} is {values[row]!r} in only {counts[rare[0]]} rows; each of the three parts needs one.",
            where="split.column" if spec.column else "target",
            fix="Use a random split, or leave out the rare values.",
        )
    return [everything[codes == code] for code in range(len(counts))]


def _by_time(frame: pl.DataFrame, spec: SplitSpec) -> Rows:
    values = _column(frame, spec.column or "")
    if values.null_count():
        raise CannotSplit(f"{values.null_count()} rows have no {values.name!r}.", where="split.column")
    return values.arg_sort().to_numpy().astype(np.int64)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        raise CannotSplit(
            f"There is no column {name!r} to split by.", where="split.column", fix=did_you_mean(name, frame.columns)
        )
    return frame[name]


def row_hashes(frame: pl.DataFrame, columns: list[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's content in `columns`: the same on every machine, and in any order of the columns.

    Numbers hash by their value as float64 (1 and 1.0 are one), text and times by BLAKE2b, nulls by a mark of their own.
    Sound for telling which rows of one table occur in another, not against somebody who wants two rows to collide.
    """
    total = np.zeros(frame.height, dtype=np.uint64)
    for name in columns:
        salt = np.uint64(_digest(name.encode()))
        total += _mix(_column_hashes(frame[name]) ^ salt)  # a sum, so that the order of columns does not matter
    return _mix(total)


def _column_hashes(values: pl.Series) -> NDArray[np.uint64]:
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 0.0  # -0.0 becomes 0.0
        numbers = np.where(np.isnan(numbers), np.nan, numbers)  # one bit pattern for every NaN
        return numbers.view(np.uint64)
    if values.dtype.is_temporal():
        texts = values.cast(pl.Datetime("us")).dt.timestamp("us").cast(pl.String)
    else:
        texts = values.cast(pl.String)
    distinct = texts.unique(maintain_order=True)
    codes = {text: _digest(b"" if text is None else b"=" + text.encode()) for text in distinct.to_list()}
    return np.array([codes[text] for text in texts.to_list()], dtype=np.uint64)


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit."""
    mixed: NDArray[np.uint64] = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
