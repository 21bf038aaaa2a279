"""Two versions of a million rows compared by key, against the joins somebody would write in bare Polars.

1 % of the rows changed in one of three columns each, 1 % were removed and 1 % came at the end. Both start from tables
in memory; ours also shows samples, checks the key and says how far each column moved. `python -m bench.diff` prints
the rows.
"""

import numpy as np
import polars as pl

from bench.checks import best
from bench.table import BenchRow
from ml.diff import diff
from ml.row_diff import Side, by_key

ROWS = 1_000_000
SHARE = 0.01
ROUNDS = 5


def run() -> list[BenchRow]:
    before = _table(ROWS, seed=0)
    after = _changed(before)
    sides = Side(1, before), Side(2, after)
    found = by_key(*sides, ["id"])
    assert (found.added, found.removed, found.changed) == _bare(before, after)
    rows = best(lambda: by_key(*sides, ["id"]))
    whole = best(lambda: diff(before.lazy(), after.lazy(), 1, 2, ["id"]))
    wholes = best(lambda: diff(before.lazy(), after.lazy(), 1, 2))
    bare = best(lambda: _bare(before, after))
    note = f"anti-joins and a join that compares, bare Polars; {ROWS:,} rows, {before.width} columns"
    return [
        BenchRow("diff, rows by key", rows, bare, "s", rows / bare, note),
        BenchRow("diff, rows by key and columns", whole, bare, "s", whole / bare, "the same, which knows no columns"),
        BenchRow("diff, whole rows and columns", wholes, bare, "s", wholes / bare, "the same"),
    ]


def _bare(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int, int]:
    """How many rows were added, removed and changed."""
    both = before.join(after, on="id", suffix=" after")
    values = [name for name in before.columns if name != "id"]
    changed = both.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name} after")) for name in values).sum())
    added, removed = after.join(before, on="id", how="anti"), before.join(after, on="id", how="anti")
    return added.height, removed.height, int(changed.item())


def _changed(table: pl.DataFrame) -> pl.DataFrame:
    random = np.random.default_rng(1)
    which = pl.Series(np.where(random.random(table.height) < SHARE, random.integers(0, 3, table.height), -1))
    edits = [pl.col("amount") + 1, pl.col("age") + 1, pl.lit("elsewhere").alias("city")]
    edited = table.with_columns(
        pl.when(which == number).then(edit).otherwise(pl.col(edit.meta.output_name())).alias(edit.meta.output_name())
        for number, edit in enumerate(edits)
    )
    new = _table(int(table.height * SHARE), seed=2).with_columns(pl.col("id") + table.height)
    return pl.concat([edited.filter(pl.Series(random.random(table.height) >= SHARE)), new])


def _table(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "name": [f"person {number}" for number in random.integers(0, 10**9, rows)],
            "city": random.choice([f"city {number}" for number in range(500)], rows),
            "sex": random.choice(["f", "m"], rows),
            "age": random.integers(18, 90, rows),
            "amount": random.normal(100, 20, rows).round(2),
            "score": random.random(rows),
            "visits": random.poisson(3, rows),
            "active": random.random(rows) < 0.3,
            "at": pl.Series(np.sort(random.integers(0, 10**9, rows)) * 10**6).cast(pl.Datetime("us")),
        }
    )


if __name__ == "__main__":
    for row in run():
        print(row)
