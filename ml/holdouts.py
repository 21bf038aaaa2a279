"""Whether two tables are the same holdout: how many of their rows are the same. Called for the alpha budget."""

import numpy as np
import polars as pl

from ml.splits import row_hashes


def overlap(one: pl.DataFrame, other: pl.DataFrame, target: str) -> float:
    """The share of the smaller table's rows that the other has too, by the columns that both have.

    By those columns, so that a feature that is added to old rows does not make them fresh. 0 where they have nothing
    but the target in common, which tells no row from another.
    """
    common = [name for name in one.columns if name in other.columns]
    if target not in common or len(common) < 2 or not one.height or not other.height:
        return 0.0
    small, large = sorted((one, other), key=lambda frame: frame.height)
    return float(np.isin(row_hashes(small, common), row_hashes(large, common)).mean())
