"""Diebold and Mariano's test for rows in the order of time, whose errors resemble their neighbours'.

Sources: Diebold and Mariano, Journal of Business and Economic Statistics 13:253 (1995); the correction for small
samples, Harvey, Leybourne and Newbold, International Journal of Forecasting 13:281 (1997); the variance, Newey and
West, Econometrica 55:703 (1987), with 1.3 sqrt(n) lags as recommended, beside wider quantiles, by Lazarus, Lewis,
Stock and Watson, Journal of Business and Economic Statistics 36:541 (2018). Student's t has the degrees of freedom of
Bartlett's kernel, 1.5 n / (lags + 1).
"""

import math

import numpy as np

from ml.comparison.contrast import told_by_contrast
from ml.comparison.effect import Finding, Floats, Question


def diebold_mariano(losses: Floats, question: Question, *, root: bool = False) -> Finding:
    """Test the per-row `losses` [rows, 2] of champion and challenger, or scores where more is better, oldest first."""
    rows = len(losses)
    lags = lags_for(rows)
    degrees = max(1.0, min(rows - 1.0, 1.5 * rows / (lags + 1)))
    return told_by_contrast(
        losses.mean(axis=0),
        long_run_covariance(losses, lags),
        question,
        rows=rows,
        degrees=degrees,
        root=root,
        method=f"Diebold-Mariano, {lags} lags, corrected by Harvey-Leybourne-Newbold",
    )


def lags_for(rows: int) -> int:
    return min(math.ceil(1.3 * math.sqrt(rows)), (rows - 1) // 2)


def long_run_covariance(series: Floats, lags: int) -> Floats:
    """Covariance [k, k] of the means of `series` [rows, k]: Newey-West's, divided by the correction for small samples.

    Without lags it is the usual one, of independent rows.
    """
    rows, horizon = len(series), lags + 1
    centred = np.ascontiguousarray((series - series.mean(axis=0)).T)
    total = np.einsum("it,jt->ij", centred, centred)
    for lag in range(1, lags + 1):
        shifted = np.einsum("it,jt->ij", centred[:, lag:], centred[:, :-lag])
        total += (1 - lag / horizon) * (shifted + shifted.T)
    correction = (rows + 1 - 2 * horizon + horizon * (horizon - 1) / rows) / rows
    # One row has no variance: told as unvarying.
    return total / rows**2 / correction if rows > 1 else np.zeros_like(total)
