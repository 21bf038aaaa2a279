"""Do probabilities mean what they say, and is a regression right on average?

Few rows look miscalibrated by chance alone: a perfectly calibrated model has an expected calibration error well above
zero. What chance gives is drawn from the model's own probabilities (consistency resampling: Broecker and Smith,
Weather and Forecasting 22, 2007) and taken off.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.model_checks.specs import CalibrationCheck, ModelCheckResult, Verdict
from ml.estimates import CONFIDENCE, Z
from ml.metrics import CannotScore
from ml.model_checks.rows import on_rows
from ml.model_checks.subject import Subject, finding

RESAMPLES = 400
# A bin of fewer rows says nothing: with few rows there are fewer bins than were asked for.
ROWS_PER_BIN = 20
Floats = NDArray[np.float64]


@on_rows
def check_calibration(check: CalibrationCheck, subject: Subject) -> ModelCheckResult:
    """Classification: expected calibration error over bins of equally many rows, less what chance gives.

    Of two classes the probability of the second is judged, of more the probability of the answered one (Guo et al.,
    ICML 2017). Regression: the mean residual as a share of the target's spread. Fails above `max_error`, if chance
    does not explain it; inconclusive where an error of `max_error` could not be told from chance.
    """
    if subject.model.signature.task == "regression":
        return _of_numbers(check, subject)
    said, happened, what = _claims(subject)
    order = np.argsort(said, kind="stable")
    said, happened = said[order], happened[order]
    starts = _starts(len(said), check.bins)
    error = _error(said, happened, starts)
    generator = np.random.default_rng(subject.seed)
    drawn = [_error(said, generator.random(len(said)) < said, starts) for _ in range(RESAMPLES)]
    expected, most = float(np.mean(drawn)), float(np.quantile(drawn, CONFIDENCE))
    value, reach = max(0.0, error - expected), most - expected
    return finding(
        check,
        _verdict(value, check.max_error, reach),
        f"Calibration error of {what} is {value:.3f} on {len(said)} rows ({error:.3f}, of which chance gives "
        f"{expected:.3f}); asked: at most {check.max_error:g}.{_too_few(value, check.max_error, reach)}",
        value=value,
        low=max(0.0, value - reach),
        high=value + reach,
        threshold=check.max_error,
        details={"error": error, "by_chance": expected, "reliability": _reliability(said, happened, starts)},
    )


def _verdict(value: float, bound: float, reach: float) -> Verdict:
    """`reach` is how far chance alone may move the value of a calibrated model."""
    if value > bound and value > reach:
        return "fail"
    return "inconclusive" if reach > bound else "pass"


def _too_few(value: float, bound: float, reach: float) -> str:
    if _verdict(value, bound, reach) != "inconclusive":
        return ""
    return f" So few rows move it by {reach:.3f} by chance: they cannot tell."


def _claims(subject: Subject) -> tuple[Floats, NDArray[np.bool_], str]:
    """Per row: a probability, whether what it was given to has happened, and of what it is."""
    predictions = subject.predictions
    table = predictions.probabilities
    if table is None:
        raise CannotScore("The model gives no probabilities to calibrate.", where="gate")
    if len(predictions.classes) == 2:
        label = predictions.classes[1]
        return np.clip(table[:, 1], 0, 1), np.array([one == label for one in subject.y]), f"{label!r}"
    right = [one == other for one, other in zip(subject.y, predictions.values, strict=True)]
    return np.clip(table.max(axis=1), 0, 1), np.array(right), "the answered label"


def _starts(rows: int, bins: int) -> NDArray[np.int64]:
    """Where each bin of equally many sorted rows begins."""
    count = max(1, min(bins, rows // ROWS_PER_BIN))
    return np.arange(count) * rows // count


def _error(said: Floats, happened: NDArray[np.bool_], starts: NDArray[np.int64]) -> float:
    """Sum over the bins of |said - happened|, in rows, over all rows."""
    return float(np.abs(np.add.reduceat(said - happened, starts)).sum() / len(said))


def _reliability(said: Floats, happened: Floats | NDArray[np.bool_], starts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Per bin what was said and what happened, on average."""
    sizes = np.diff(np.append(starts, len(said)))
    means = [np.add.reduceat(np.asarray(side, dtype=np.float64), starts) / sizes for side in (said, happened)]
    return [
        {"rows": int(rows), "predicted": float(one), "observed": float(other)}
        for rows, one, other in zip(sizes, *means, strict=True)
    ]


def _of_numbers(check: CalibrationCheck, subject: Subject) -> ModelCheckResult:
    truth = np.asarray(subject.y, dtype=np.float64)
    answers = np.asarray(subject.predictions.values, dtype=np.float64)
    spread = float(truth.std())
    if spread == 0:
        message = f"The truth is {truth[0]:.4g} in all {len(truth)} rows: there is no spread to measure residuals by."
        return finding(check, "inconclusive", message, threshold=check.max_error)
    residuals = (answers - truth) / spread
    bias = float(residuals.mean())
    reach = Z * float(residuals.std(ddof=1) / np.sqrt(len(truth)))
    order = np.argsort(answers, kind="stable")
    table = _reliability(answers[order], truth[order], _starts(len(truth), check.bins))
    return finding(
        check,
        _verdict(abs(bias), check.max_error, reach),
        f"The mean residual is {bias:+.3f} of the target's spread on {len(truth)} rows (95 % interval "
        f"{bias - reach:+.3f} to {bias + reach:+.3f}); asked: at most {check.max_error:g} either way."
        f"{_too_few(abs(bias), check.max_error, reach)}",
        value=bias,
        low=bias - reach,
        high=bias + reach,
        threshold=check.max_error,
        details={"reliability": table},
    )
