"""The metric on declared slices of the rows: none much worse than all of them."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.model_checks.specs import ModelCheckResult, SliceMetric, SlicesCheck
from ml.divergence import benjamini_hochberg
from ml.estimates import CONFIDENCE, influence
from ml.metrics import Metric, find_metric
from ml.model_checks.groups import column_of, cut
from ml.model_checks.rows import on_rows, worst_rows
from ml.model_checks.subject import Subject, finding
from ml.predicates import row_predicate

SLICES_SHOWN = 100
# What the slices of `named` have in the place of a column.
NAMED = "named"
Rows = NDArray[np.int64]


@on_rows
def check_slices(check: SlicesCheck, subject: Subject) -> ModelCheckResult:
    """The metric per value of each column of `by` (quarters of a number of many values) and per predicate of `named`.

    Fails when a slice of at least `min_rows` is worse than all rows by more than `max_gap`; the message says with which
    probability a gap like that comes by chance (t test of the gap against the bound, Benjamini-Hochberg over the judged
    slices). Inconclusive when no slice is large enough to be judged.
    `examples` are the worst rows of the worst slice.
    """
    metric = find_metric(check.metric, subject.model.signature.task)
    overall = metric.compute(subject.y, subject.predictions)
    weights = influence(metric, subject.y, subject.predictions) if math.isfinite(overall) else None
    bound = check.max_gap or 0.0
    declared = {(column, value): rows for column, value, rows in _declared(check, subject)}
    slices = [
        _measured(column, value, rows, subject, metric=metric, overall=overall, weights=weights, check=check)
        for (column, value), rows in declared.items()
    ]
    judged = [found for found in slices if found.judged]
    if not judged or not math.isfinite(overall):
        message = f"No slice has {check.min_rows} rows on which {check.metric} is defined."
        shown = sorted(slices, key=lambda found: -found.rows)[:SLICES_SHOWN]
        return finding(check, "inconclusive", message, threshold=check.max_gap, slices=shown)
    corrected = benjamini_hochberg([1.0 if found.p_value is None else found.p_value for found in judged])
    judged = [
        found if found.p_value is None else found.model_copy(update={"p_value": p})
        for found, p in zip(judged, corrected, strict=True)
    ]
    judged.sort(key=lambda found: -_gap(found))
    worst = judged[0]
    held = check.max_gap is None or _gap(worst) <= check.max_gap
    asked = "nothing" if check.max_gap is None else f"at most {bound:.0%} worse"
    sure = "" if held else f" {_how_sure(worst, bound, len(judged))}"
    small = sorted((found for found in slices if not found.judged), key=lambda found: -found.rows)
    return finding(
        check,
        "pass" if held else "fail",
        f"Worst of {len(judged)} judged slices: {named(worst)}, {check.metric} {worst.metric:.4g} on {worst.rows} "
        f"rows, {_gap(worst):+.0%} against {overall:.4g} on all{between(worst)}; asked: {asked}.{sure}",
        value=worst.gap,
        low=worst.low,
        high=worst.high,
        threshold=check.max_gap,
        slices=[*judged, *small][:SLICES_SHOWN],
        examples=[] if held else worst_rows(subject.take(declared[worst.column, worst.value])),
    )


def named(found: SliceMetric) -> str:
    """The slice as a person says it: `sex=Female`, or the name of its predicate."""
    return found.value if found.column == NAMED else f"{found.column}={found.value}"


def between(found: SliceMetric) -> str:
    return "" if found.low is None or found.high is None else f" (95 % interval {found.low:+.0%} to {found.high:+.0%})"


def _gap(found: SliceMetric) -> float:
    return found.gap if found.gap is not None else -math.inf


def _how_sure(found: SliceMetric, bound: float, judged: int) -> str:
    if found.p_value is None:
        return ""
    sure = "This is shown" if found.p_value < 1 - CONFIDENCE else "So few rows could show this by chance"
    return f"{sure}: p = {found.p_value:.2g} for a gap of {bound:.0%}, corrected for {judged} slices."


def _declared(check: SlicesCheck, subject: Subject) -> Iterator[tuple[str, str, Rows]]:
    for name in check.by:
        groups = cut(column_of(subject.frame, name, "by"))
        order = np.argsort(groups.codes, kind="stable")
        ends = np.cumsum(groups.sizes)
        large = set(np.argsort(-groups.sizes, kind="stable")[:SLICES_SHOWN].tolist())
        for group, (label, size, end) in enumerate(zip(groups.names, groups.sizes, ends, strict=True)):
            if size and (group in large or size >= check.min_rows):
                yield name, label, order[end - size : end]
    for name, where in check.named.items():
        holds = row_predicate(where, subject.frame.lazy()).fill_null(value=False)
        yield NAMED, name, subject.frame.select(holds.arg_true()).to_series().to_numpy().astype(np.int64)


def _measured(
    column: str,
    value: str,
    rows: Rows,
    subject: Subject,
    *,
    metric: Metric,
    overall: float,
    weights: NDArray[np.float64] | None,
    check: SlicesCheck,
) -> SliceMetric:
    """One slice, its gap with a 95 % interval and the p-value of a gap above the bound, not corrected yet.

    The slice is part of all rows: the error of the gap counts each row once, with what it does to both.
    """
    y, answers = [subject.y[row] for row in rows], subject.predictions.take(rows)
    figure = metric.compute(y, answers) if len(rows) else math.nan
    if not (math.isfinite(figure) and math.isfinite(overall)):
        return SliceMetric(column=column, value=value, rows=len(rows), metric=None, judged=False)
    sign, size = (-1.0 if metric.higher_is_better else 1.0), max(abs(overall), 1e-12)
    gap = sign * (figure - overall) / size + 0.0  # no minus before zero
    found = SliceMetric(
        column=column, value=value, rows=len(rows), metric=figure, judged=len(rows) >= check.min_rows, gap=gap
    )
    inside = influence(metric, y, answers)
    if inside is None or weights is None or len(rows) < 2:
        return found
    effects = -weights * figure / (overall or 1.0) / len(weights)
    effects[rows] += inside / len(rows)
    error = float(np.sqrt(np.sum(effects**2)) / size)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(rows) - 1)) * error
    return found.model_copy(
        update={
            "low": gap - reach,
            "high": gap + reach,
            "p_value": chance(np.array([gap]), np.array([error]), check.max_gap or 0.0, len(rows) - 1)[0],
        }
    )


def chance(
    gaps: NDArray[np.float64], errors: NDArray[np.float64], bound: float, freedom: NDArray[np.float64] | int
) -> list[float]:
    """One-sided p-values of gaps above `bound`; without any error a gap is what it is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stats.t.sf((gaps - bound) / errors, freedom)
    exact = np.where(gaps > bound, 0.0, 1.0)
    return [float(value) for value in np.where(errors > 0, p, exact)]
