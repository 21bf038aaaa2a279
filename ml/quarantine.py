"""Splits a table into the rows that its row checks pass and those that they do not. Called by the quarantine job."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from domain.data_checks.specs import CheckSpec
from ml.checks.suite import blamed


@dataclass(frozen=True)
class Split:
    """`failing` has a last column with the names of the checks that each row failed; `counts` says how many did."""

    clean: pl.DataFrame
    failing: pl.DataFrame
    counts: dict[str, int]


def split(frame: pl.LazyFrame, checks: Sequence[tuple[str, CheckSpec]], column: str) -> Split:
    """Every row of `frame` is in one of both, in its order. `checks` have the names to write into `column`."""
    rows = frame.collect(engine="in-memory")
    masks = {
        f"check {place}": mask
        for place, mask in enumerate(blamed(rows, [check for _, check in checks]))
        if mask is not None
    }
    names = {f"check {place}": name for place, (name, _) in enumerate(checks)}
    marks = pl.DataFrame(masks)
    if marks.width == 0:
        return Split(rows, rows.clear(), {})
    failed = marks.select(pl.any_horizontal(pl.all())).to_series()
    words = [pl.when(mark).then(pl.lit(names[mark])) for mark in marks.columns]
    said = marks.select(pl.concat_str(words, separator="; ", ignore_nulls=True)).to_series()
    counts: dict[str, int] = {}
    for mark in marks.columns:
        counts[names[mark]] = counts.get(names[mark], 0) + int(marks[mark].sum())
    failing = rows.with_columns(said.alias(column)).filter(failed)
    return Split(rows.filter(~failed), failing, {name: count for name, count in counts.items() if count})
