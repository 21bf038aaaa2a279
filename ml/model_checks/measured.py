"""Checks of the package as it is served: that it answers as the trained model does, how fast, and at what size."""

import time
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.model_checks.specs import LatencyCheck, MemoryCheck, ModelCheckResult, ServingParityCheck
from ml.frames import rows_as_json
from ml.inputs import frame_columns
from ml.model_checks.subject import Subject, finding
from ml.models import Predictions

EXAMPLES_SHOWN: Final = 20
_WARM_UP: Final = 20
_DISTINCT_ROWS: Final = 200


def check_serving_parity(check: ServingParityCheck, subject: Subject) -> ModelCheckResult:
    """Rows as JSON through the engine that serves, against the trained model on the same rows as columns.

    A row differs when a probability, or a number in units of the predictions' spread, is off by more than `tolerance`.
    """
    if subject.served is None or subject.trained is None:
        message = "The trained model cannot be had, so there is nothing to compare the package with."
        return finding(check, "inconclusive", message, threshold=check.max_share)
    inputs = subject.model.signature.inputs
    frame = _some_rows(subject.frame, check.rows)
    instances = rows_as_json(frame.select(column.name for column in inputs))
    served = subject.served.predict(instances)
    trained = subject.trained.predict_columns(frame_columns(frame, inputs))
    apart = _apart(trained, served, spread=_spread(subject))
    differing = apart > check.tolerance
    share = float(differing.mean())
    worst = [int(row) for row in np.argsort(-apart, kind="stable")[:EXAMPLES_SHOWN] if differing[row]]
    return finding(
        check,
        "pass" if share <= check.max_share else "fail",
        f"{int(differing.sum())} of {frame.height} rows are answered differently by the package as it is served, the "
        f"largest difference is {float(apart.max()):.2g}; asked: at most {check.max_share:.2%} above "
        f"{check.tolerance:g}.",
        value=share,
        threshold=check.max_share,
        rows=frame.height,
        examples=[
            {"instance": instances[row], "trained": trained.values[row], "served": served.values[row]} for row in worst
        ],
        details={"largest_difference": float(apart.max()), "tolerance": check.tolerance},
    )


def _apart(trained: Predictions, served: Predictions, *, spread: float) -> NDArray[np.float64]:
    """How far the two are apart, for each row."""
    if trained.probabilities is not None and served.probabilities is not None:
        apart: NDArray[np.float64] = np.abs(trained.probabilities - served.probabilities).max(axis=1)
        return apart
    if trained.classes or served.classes:
        pairs = zip(trained.values, served.values, strict=True)
        return np.array([float(one != other) for one, other in pairs])
    one, other = (np.array(answers.values, dtype=np.float64) for answers in (trained, served))
    return np.abs(one - other) / spread


def _spread(subject: Subject) -> float:
    if subject.model.signature.task != "regression":
        return 1.0
    return float(np.std(np.array(subject.predictions.values, dtype=np.float64))) or 1.0


def check_latency(check: LatencyCheck, subject: Subject) -> ModelCheckResult:
    """Time for one row as JSON through the engine that serves: warm, one after the other, nothing else running."""
    if subject.served is None:
        return finding(check, "inconclusive", "The package is not at hand as it is served.")
    instances = _instances(subject, _DISTINCT_ROWS)
    for row in range(_WARM_UP):
        subject.served.predict([instances[row % len(instances)]])
    times = np.empty(check.rows)
    for turn in range(check.rows):
        started = time.perf_counter()
        subject.served.predict([instances[turn % len(instances)]])
        times[turn] = time.perf_counter() - started
    found = {f"p{share}_ms": float(np.percentile(times, share) * 1000) for share in (50, 99)}
    bounds = {"p50_ms": check.p50_ms, "p99_ms": check.p99_ms}
    asked = {name: bound for name, bound in bounds.items() if bound is not None}
    said = " and ".join(f"{name[:3]} at most {bound:g} ms" for name, bound in asked.items())
    slow = [name for name, bound in asked.items() if found[name] > bound]
    return finding(
        check,
        "fail" if slow else "pass",
        f"One row takes {found['p50_ms']:.3g} ms (p50) and {found['p99_ms']:.3g} ms (p99) in {check.rows} calls; "
        f"asked: {said}.",
        value=found[(slow or list(asked))[-1]],
        threshold=said,
        rows=check.rows,
        details={**found, "mean_ms": float(times.mean() * 1000)},
    )


def check_memory(check: MemoryCheck, subject: Subject) -> ModelCheckResult:
    """Resident memory that the package adds to a fresh process, once it has answered some rows."""
    if subject.served is None:
        return finding(check, "inconclusive", "The package is not at hand as it is served.", threshold=check.max_mb)
    instances = _instances(subject, _DISTINCT_ROWS)
    added = subject.served.resident_mb(instances)
    return finding(
        check,
        "pass" if added <= check.max_mb else "fail",
        f"Loading the package and answering {len(instances)} rows adds {added:.1f} MB; asked: at most "
        f"{check.max_mb:g} MB.",
        value=added,
        threshold=check.max_mb,
        rows=len(instances),
    )


def _instances(subject: Subject, rows: int) -> list[dict[str, Any]]:
    names = [column.name for column in subject.model.signature.inputs]
    return rows_as_json(_some_rows(subject.frame, rows).select(names))


def _some_rows(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """At most so many rows, evenly from all of them."""
    if frame.height <= rows:
        return frame
    return frame[np.linspace(0, frame.height - 1, rows).astype(np.int64)]
