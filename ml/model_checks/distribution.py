"""Are the answers of a model distributed as the truth is?"""

import numpy as np
from numpy.typing import NDArray

from domain.model_checks.specs import ModelCheckResult, TargetDistributionCheck
from ml.divergence import js
from ml.model_checks.groups import quantile_bins
from ml.model_checks.rows import on_rows
from ml.model_checks.subject import Subject, finding

BINS = 20
RESAMPLES = 500
Counts = NDArray[np.int64]


@on_rows
def check_target_distribution(check: TargetDistributionCheck, subject: Subject) -> ModelCheckResult:
    """The Jensen-Shannon distance (the root of the divergence in bits, 0..1) between answers and truth.

    Of labels by their shares, of numbers by their shares of twenty bins that hold equally much of the truth. The
    interval is that of a bootstrap of rows, basic, 95 %. A regression answers with means, which spread less than the
    truth does: expect a distance that falls with its error, not zero.
    """
    names, truth, answers = _coded(subject)
    joint = np.bincount(truth * len(names) + answers, minlength=len(names) ** 2)
    value = float(_distance(joint[None, :], len(names))[0])
    drawn = np.random.default_rng(subject.seed).multinomial(len(truth), joint / len(truth), size=RESAMPLES)
    lowest, highest = np.quantile(_distance(drawn, len(names)), [0.025, 0.975])
    true, answered = (np.bincount(side, minlength=len(names)) / len(truth) for side in (truth, answers))
    widest = int(np.argmax(np.abs(true - answered)))
    return finding(
        check,
        "pass" if value <= check.max_distance else "fail",
        f"Answers and truth are {value:.3f} apart (Jensen-Shannon) on {len(truth)} rows, most at {names[widest]}: "
        f"{answered[widest]:.1%} of the answers, {true[widest]:.1%} of the truth; "
        f"asked: at most {check.max_distance:g}.",
        value=value,
        low=max(0.0, min(value, float(2 * value - highest))),
        high=min(1.0, max(value, float(2 * value - lowest))),
        threshold=check.max_distance,
        details={
            "shares": [
                {"value": name, "truth": float(one), "answers": float(other)}
                for name, one, other in zip(names, true, answered, strict=True)
            ]
        },
    )


def _coded(subject: Subject) -> tuple[list[str], Counts, Counts]:
    """Names of the bins, and the bin of each truth and each answer."""
    given = subject.predictions.values
    if subject.model.signature.task == "regression":
        numbers = np.asarray(subject.y, dtype=np.float64)
        edges, names = quantile_bins(numbers, BINS)
        return names, np.searchsorted(edges, numbers), np.searchsorted(edges, np.asarray(given, dtype=np.float64))
    labels = sorted({*subject.y, *given, *subject.predictions.classes}, key=str)
    index = {label: position for position, label in enumerate(labels)}
    truth, answers = (np.array([index[label] for label in side], dtype=np.int64) for side in (subject.y, given))
    return [str(label) for label in labels], truth, answers


def _distance(joint: Counts, bins: int) -> NDArray[np.float64]:
    """The distance for each row of `joint`: counts of (truth, answer), flat."""
    tables = joint.reshape(-1, bins, bins) / joint.sum(axis=1)[:, None, None]
    return np.array([np.sqrt(js(table.sum(axis=1), table.sum(axis=0))) for table in tables])
