"""What the checks of frozen rows share: their `where`, the refusal of broken answers, the worst rows as examples."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.model_checks.specs import ModelCheckResult
from ml.frames import rows_as_json
from ml.model_checks.subject import Subject, finding
from ml.models import Predictions

EXAMPLES_SHOWN: Final = 20
# A softmax in 32 bits may leave 0..1 by its last digit.
_ROUNDING: Final = 1e-6
Judge = Callable[[Any, Subject], ModelCheckResult]


def on_rows(judge: Judge) -> Judge:
    """A check that sees only the rows of its `where`, each with a sound answer of the model.

    No rows left is inconclusive and vacuous; an answer that is no number, or a probability outside of 0..1, fails with
    the first such row.
    """

    @wraps(judge)
    def on_its_rows(check: Any, subject: Subject) -> ModelCheckResult:
        chosen = subject.only(check.where) if subject.frame.height else subject
        if chosen.frame.height == 0:
            which = f"No row of {subject.frame.height} has {check.where}" if check.where else "There are no rows"
            return finding(check, "inconclusive", f"{which}: there is nothing to look at.", vacuous=True, rows=0)
        broken, how = _broken(chosen.predictions)
        if broken.any():
            bad = np.flatnonzero(broken)
            message = f"{len(bad)} of {len(broken)} answers are {how}: first that of row {chosen.rows[bad[0]]}."
            return finding(check, "fail", message, rows=len(broken), examples=examples(chosen, bad))
        return judge(check, chosen).model_copy(update={"rows": chosen.frame.height})

    return on_its_rows


def _broken(predictions: Predictions) -> tuple[NDArray[np.bool_], str]:
    """Which answers no check can read, and what is wrong with them."""
    table = predictions.probabilities
    if table is not None:
        outside = ~((table >= -_ROUNDING) & (table <= 1 + _ROUNDING))  # NaN is outside, too
        return np.asarray(outside.any(axis=1)), "no probabilities between 0 and 1"
    strange = [isinstance(value, float) and not math.isfinite(value) for value in predictions.values]
    return np.array(strange), "not finite numbers"


def examples(subject: Subject, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The first of `rows` to be read: their number among the frozen rows, what went in, the truth and the answer."""
    shown = rows[:EXAMPLES_SHOWN]
    instances = rows_as_json(subject.frame[shown].select(column.name for column in subject.model.signature.inputs))
    answers = subject.predictions.take(shown)
    found = []
    for position, (row, instance) in enumerate(zip(shown.tolist(), instances, strict=True)):
        example = {
            "row": int(subject.rows[row]),
            "instance": instance,
            "expected": subject.y[row],
            "got": _shown(answers.values[position]),
        }
        if answers.probabilities is not None:
            labels = map(str, answers.classes)
            example["probabilities"] = dict(
                zip(labels, map(_shown, answers.probabilities[position].tolist()), strict=True)
            )
        found.append(example)
    return found


def _shown(value: Any) -> Any:
    """A value as JSON can hold it: NaN and infinities by their names."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def row_losses(subject: Subject) -> NDArray[np.float64]:
    """How wrong each answer is: its distance, or 1 - the probability of the truth (1 or 0 without probabilities)."""
    predictions = subject.predictions
    if subject.model.signature.task == "regression":
        return np.abs(np.asarray(subject.y, dtype=np.float64) - np.asarray(predictions.values, dtype=np.float64))
    if predictions.probabilities is None:
        return np.array([float(one != other) for one, other in zip(subject.y, predictions.values, strict=True)])
    chosen = one_hot(subject) * predictions.probabilities
    return np.asarray(1.0 - chosen.sum(axis=1))


def one_hot(subject: Subject) -> NDArray[np.float64]:
    """[rows, classes] of the model: 1 at the truth; a row of zeros for a label that the model does not know."""
    index = {label: position for position, label in enumerate(subject.predictions.classes)}
    codes = np.fromiter((index.get(label, -1) for label in subject.y), dtype=np.int64, count=len(subject.y))
    return np.asarray(codes[:, None] == np.arange(len(index)), dtype=np.float64)


def worst_rows(subject: Subject) -> list[dict[str, Any]]:
    """The rows with the largest losses, the largest first; none where the answer is right to the last digit."""
    losses = row_losses(subject)
    order = np.argsort(-losses, kind="stable")[:EXAMPLES_SHOWN]
    return examples(subject, order[losses[order] > 0])
