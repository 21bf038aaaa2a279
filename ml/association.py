"""How much one column says about another, from 0 to 1, whatever their types. The leakage check asks it.

Corrected for chance, so that an id, which names every row, is not taken for one that knows the target.
"""

import numpy as np
import polars as pl
from scipy import stats

from ml.divergence import Floats
from ml.drift import kind_of

MIN_ROWS = 20
"""With fewer rows perfect associations come about by chance."""


def association(feature: pl.Series, target: pl.Series) -> float:
    """|Spearman's rho| of two numbers, the correlation ratio of a number and a category, Cramér's V of two categories.

    Rows without a target, and without a value where the feature is a number, are left out; a missing category is a
    level of its own. A number that separates two classes completely counts as 1 (rank-biserial correlation, Cureton
    1956), whatever its scale. 0 where either side does not vary, or with fewer than 20 rows.
    """
    table = pl.DataFrame({"feature": feature, "target": target}).drop_nulls("target")
    kinds = kind_of(table["feature"]), kind_of(table["target"])
    for name, kind in zip(("feature", "target"), kinds, strict=True):
        if kind == "number":
            value = pl.col(name).cast(pl.Int64) if table.schema[name].is_temporal() else pl.col(name)
            table = table.with_columns(value.cast(pl.Float64)).filter(pl.col(name).is_finite())
    if table.height < MIN_ROWS or table["feature"].n_unique() < 2 or table["target"].n_unique() < 2:
        return 0.0
    match kinds:
        case "number", "number":
            return abs(float(stats.spearmanr(table["feature"].to_numpy(), table["target"].to_numpy()).statistic))
        case "category", "category":
            return _cramers_v(table)
        case "category", "number":
            return _correlation_ratio(table, number="target", category="feature")
        case _:
            return max(_correlation_ratio(table, number="feature", category="target"), _separation(table))


def _correlation_ratio(table: pl.DataFrame, *, number: str, category: str) -> float:
    """The share of variance between the groups, as a root; unbiased by Kelley's epsilon squared (1935)."""
    groups = table.group_by(category).agg(pl.len().alias("rows"), pl.col(number).mean().alias("mean"))
    rows, grand = table.height, float(np.mean(table[number].to_numpy()))
    total = float(np.sum((table[number].to_numpy() - grand) ** 2))
    between = float(np.sum(groups["rows"].to_numpy() * (groups["mean"].to_numpy() - grand) ** 2))
    if total == 0 or groups.height >= rows:
        return 0.0
    epsilon = 1 - (1 - between / total) * (rows - 1) / (rows - groups.height)
    return float(np.sqrt(np.clip(epsilon, 0, 1)))


def _cramers_v(table: pl.DataFrame) -> float:
    """Cramér's V with Bergsma's correction (2013), from the cells that occur."""
    rows = table.height
    cells = table.group_by("feature", "target").agg(pl.len().alias("cell"))
    for name in ("feature", "target"):
        sums = table.group_by(name).agg(pl.len().cast(pl.Float64).alias(f"{name} rows"))
        cells = cells.join(sums, on=name, how="left", nulls_equal=True)
    squares = cells["cell"].cast(pl.Float64) ** 2 / (cells["feature rows"] * cells["target rows"])
    phi2 = float(squares.sum()) - 1
    k, r = table["feature"].n_unique(), table["target"].n_unique()
    unbiased = max(0.0, phi2 - (k - 1) * (r - 1) / (rows - 1))
    smaller = min(side - 1 - (side - 1) ** 2 / (rows - 1) for side in (k, r))
    return float(np.sqrt(min(1.0, unbiased / smaller))) if smaller > 1e-9 else 0.0


def _separation(table: pl.DataFrame) -> float:
    """|2 AUC - 1| of a number that is to tell two classes apart; 0 for more classes, where one may well stand aside."""
    classes = table["target"].unique(maintain_order=True)
    if len(classes) != 2:
        return 0.0
    ranks: Floats = stats.rankdata(table["feature"].to_numpy())
    first = (table["target"] == classes[0]).to_numpy()
    ones, others = int(first.sum()), int((~first).sum())
    auc = (float(ranks[first].sum()) - ones * (ones + 1) / 2) / (ones * others)
    return abs(2 * auc - 1)
