"""Checks that read metrics: bounds on a metric, overfitting, and the metric on slices of the rows."""

import math
from itertools import pairwise

import numpy as np
import polars as pl

from domain.model_checks.specs import MetricCheck, ModelCheckResult, OverfitCheck, SliceMetric, SlicesCheck
from ml.metrics import find_metric
from ml.model_checks.subject import Subject
from ml.values import did_you_mean

SLICES_SHOWN = 100
QUANTILE_SLICES_FROM = 20


def check_metric(gate: MetricCheck, subject: Subject) -> ModelCheckResult:
    """The metric on the frozen rows within `min` and `max`."""
    metric = find_metric(gate.metric, subject.model.signature.task)
    value = metric.compute(subject.y, subject.predictions)
    limits = {"at least": gate.min, "at most": gate.max}
    bounds = " and ".join(f"{words} {bound:g}" for words, bound in limits.items() if bound is not None)
    if not math.isfinite(value):
        message = f"{gate.metric} is not defined on these {len(subject.y)} rows."
        return ModelCheckResult(gate=gate.gate, verdict="inconclusive", threshold=bounds, message=message)
    held = (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)
    return ModelCheckResult(
        gate=gate.gate,
        verdict="pass" if held else "fail",
        value=value,
        threshold=bounds,
        message=f"{gate.metric} is {value:.4g} on {len(subject.y)} rows; asked: {bounds}.",
    )


def check_overfit(gate: OverfitCheck, subject: Subject) -> ModelCheckResult:
    """Validation loss / train loss below `max_ratio`. The losses come from the run, see `ml.metrics.LOSS`."""
    train, validation = subject.metrics.get("train_loss"), subject.metrics.get("validation_loss")
    if train is None or validation is None:
        return ModelCheckResult(
            gate=gate.gate,
            verdict="inconclusive",
            threshold=gate.max_ratio,
            message="The run has no train_loss and validation_loss to compare.",
        )
    if train <= 0:  # every train row learnt by heart
        return ModelCheckResult(
            gate=gate.gate,
            verdict="pass" if validation <= 0 else "fail",
            threshold=gate.max_ratio,
            message=f"The train loss is {train:.4g} and the validation loss {validation:.4g}: there is no ratio.",
        )
    ratio = validation / train
    return ModelCheckResult(
        gate=gate.gate,
        verdict="pass" if ratio < gate.max_ratio else "fail",
        value=ratio,
        threshold=gate.max_ratio,
        message=f"Validation loss {validation:.4g} is {ratio:.2f} x train loss {train:.4g}; "
        f"asked: below {gate.max_ratio:g}.",
    )


def check_slices(gate: SlicesCheck, subject: Subject) -> ModelCheckResult:
    """The metric per value of each column of `by`; a numeric column of many values is cut at its quartiles.

    Fails when a slice of at least `min_rows` is worse than all rows by more than `max_gap`. Inconclusive when no
    slice is large enough to be judged.
    """
    for name in gate.by:
        if name not in subject.frame.columns:
            hint = did_you_mean(name, subject.frame.columns) or ""
            return ModelCheckResult(
                gate=gate.gate, verdict="fail", message=f"There is no column {name!r} to slice by. {hint}".rstrip()
            )
    metric = find_metric(gate.metric, subject.model.signature.task)
    overall = metric.compute(subject.y, subject.predictions)
    slices = [found for name in gate.by for found in _slices(name, gate, subject)]
    judged = [found for found in slices if found.judged and found.metric is not None]
    if not judged or not math.isfinite(overall):
        message = f"No slice has {gate.min_rows} rows on which {gate.metric} is defined."
        return ModelCheckResult(gate=gate.gate, verdict="inconclusive", message=message, slices=slices[:SLICES_SHOWN])
    sign = -1.0 if metric.higher_is_better else 1.0
    worst = max(judged, key=lambda found: sign * (found.metric or 0.0))
    gap = sign * ((worst.metric or 0.0) - overall) / max(abs(overall), 1e-12)
    held = gate.max_gap is None or gap <= gate.max_gap
    asked = "nothing" if gate.max_gap is None else f"at most {gate.max_gap:.0%} worse"
    return ModelCheckResult(
        gate=gate.gate,
        verdict="pass" if held else "fail",
        value=gap,
        threshold=gate.max_gap,
        message=f"Worst of {len(judged)} judged slices: {worst.column}={worst.value}, {gate.metric} {worst.metric:.4g} "
        f"on {worst.rows} rows, {gap:+.0%} against {overall:.4g} on all; asked: {asked}.",
        slices=sorted(slices, key=lambda found: not found.judged)[:SLICES_SHOWN],
    )


def _slices(column: str, gate: SlicesCheck, subject: Subject) -> list[SliceMetric]:
    metric = find_metric(gate.metric, subject.model.signature.task)
    labels = _labels(subject.frame[column])
    found = []
    for label in sorted(set(labels)):
        rows = np.flatnonzero(np.array(labels, dtype=object) == label)
        value = metric.compute([subject.y[row] for row in rows], subject.predictions.take(rows))
        defined = math.isfinite(value)
        found.append(
            SliceMetric(
                column=column,
                value=label,
                rows=len(rows),
                metric=value if defined else None,
                judged=len(rows) >= gate.min_rows and defined,
            )
        )
    return found


def _labels(values: pl.Series) -> list[str]:
    """The slice of each row: its value, or the quarter of the column it is in."""
    if values.dtype.is_numeric() and values.n_unique() > QUANTILE_SLICES_FROM:
        numbers = values.cast(pl.Float64).fill_nan(None)
        known = numbers.drop_nulls().to_numpy()
        edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75]))
        bounds = [f"{edge:.4g}" for edge in edges]
        names = [f"up to {bounds[0]}", *(f"{low} to {high}" for low, high in pairwise(bounds)), f"above {bounds[-1]}"]
        quarters = np.searchsorted(edges, numbers.fill_null(0.0).to_numpy(), side="left")
        values = pl.Series([names[quarter] for quarter in quarters]).set(numbers.is_null(), None)
    return values.cast(pl.String).fill_null("(missing)").to_list()
