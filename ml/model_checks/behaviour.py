"""Checks of what a model does when rows are changed in a way whose effect is known: invariance, direction, tolerance.

After Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (ACL 2020). Only rows that a
change touches count; one that touches none is vacuous.
"""

from typing import Final

import numpy as np

from domain.errors import Invalid
from domain.model_checks.specs import (
    DirectionalCheck,
    InvarianceCheck,
    ModelCheckResult,
    Noise,
    ToleranceCheck,
)
from ml.estimates import wilson
from ml.model_checks.moves import ROUNDING, Floats, Moved, known_label, move
from ml.model_checks.subject import Subject, finding

# Of the spread of a regression's answers, where a check does not say how far they may move.
USUAL_MOVE: Final = 0.05
_DIRECTIONS: Final = {
    "increase": "rise",
    "decrease": "fall",
    "not_increase": "do not rise",
    "not_decrease": "do not fall",
}


class OutputNeeded(Invalid):
    """A direction of a classification is that of one label's probability."""

    code = "output_needed"


def check_invariance(check: InvarianceCheck, subject: Subject) -> ModelCheckResult:
    """The share of answers that moved too much, with its Wilson interval, against `max_share`."""
    known_label(check.output, subject.model.signature, "output")
    subject = subject.only(check.where)
    moved = move(check.change, subject, templates=check.templates, text=check.column)
    if moved is None:
        return _vacuous(check, subject, threshold=check.max_share)
    old, new = moved.amounts(check.output)
    apart = _apart(moved, old, new)
    bound = USUAL_MOVE if check.max_move is None and moved.signature.task == "regression" else check.max_move
    if bound is None:
        too_far = np.array([one != other for one, other in zip(moved.was.values, moved.now.values, strict=True)])
        what = "labels change"
    else:
        too_far = ~(apart <= bound + ROUNDING)  # an answer that is no number has moved too far
        unit = " of the spread" if moved.signature.task == "regression" else ""
        what = f"answers move by more than {bound:g}{unit}"
    bad = int(too_far.sum())
    share = bad / len(moved)
    low, high = wilson(bad, len(moved))
    return finding(
        check,
        "pass" if share <= check.max_share else "fail",
        f"{bad} {what} on {moved.of_texts()}: {share:.2%}; asked: at most {check.max_share:.2%}.",
        value=share,
        low=low,
        high=high,
        threshold=check.max_share,
        rows=len(moved),
        examples=moved.examples(_worst(apart, too_far), old, new),
        details={"looked_at": moved.looked_at},
    )


def check_directional(check: DirectionalCheck, subject: Subject) -> ModelCheckResult:
    """The share of answers that followed the direction, with its Wilson interval, against `min_share`."""
    signature = subject.model.signature
    known_label(check.output, signature, "output")
    if signature.task != "regression" and check.output is None:
        fix = f"Set output to one of {', '.join(map(repr, signature.classes[:20]))}."
        raise OutputNeeded("Which label's probability has the direction?", where="output", fix=fix)
    subject = subject.only(check.where)
    moved = move(check.change, subject, templates=check.templates, text=check.column)
    if moved is None:
        return _vacuous(check, subject, threshold=check.min_share)
    old, new = moved.amounts(check.output)
    slack = check.slack + ROUNDING * (moved.spread or 1.0)
    upward = "increase" in check.direction
    risen = (new - old) if upward else (old - new)
    follows = risen <= slack if check.direction.startswith("not_") else risen > slack
    good = int(follows.sum())
    share = good / len(moved)
    low, high = wilson(good, len(moved))
    against = risen if check.direction.startswith("not_") else -risen
    what = "numbers" if signature.task == "regression" else f"probabilities of {check.output!r}"
    return finding(
        check,
        "pass" if share >= check.min_share else "fail",
        f"{good} {what} {_DIRECTIONS[check.direction]} on {moved.of_texts()}: {share:.2%}; "
        f"asked: at least {check.min_share:.2%}.",
        value=share,
        low=low,
        high=high,
        threshold=check.min_share,
        rows=len(moved),
        examples=moved.examples(_worst(against, ~follows), old, new),
        details={"looked_at": moved.looked_at},
    )


def check_tolerance(check: ToleranceCheck, subject: Subject) -> ModelCheckResult:
    """Numbers moved by Gaussian noise of `noise` x their standard deviation must not move the predictions much.

    Whole numbers stay whole: noise below half a unit leaves them where they are.
    """
    subject = subject.only(check.where)
    moved = move(Noise(kind="noise", scale=check.noise), subject)
    if moved is None:
        return _vacuous(check, subject, threshold=check.max_shift)
    old, new = moved.amounts(None)
    apart = _apart(moved, old, new)
    if moved.signature.task == "regression":
        shift, low, high = float(apart.mean()), None, None
        what = f"Predictions move by {shift:.2%} of their spread"
        too_far = ~(apart <= check.max_shift)
    else:
        too_far = np.array([one != other for one, other in zip(moved.was.values, moved.now.values, strict=True)])
        shift = float(too_far.mean())
        low, high = wilson(int(too_far.sum()), len(moved))
        what = f"{shift:.2%} of the labels change"
    return finding(
        check,
        "pass" if shift <= check.max_shift else "fail",
        f"{what} on {moved.of_texts()} when numbers move by {check.noise:g} standard deviations; "
        f"asked: at most {check.max_shift:.2%}.",
        value=shift,
        low=low,
        high=high,
        threshold=check.max_shift,
        rows=len(moved),
        examples=moved.examples(_worst(apart, too_far), old, new),
        details={"looked_at": moved.looked_at},
    )


def _apart(moved: Moved, old: Floats, new: Floats) -> Floats:
    """How far each answer moved: a probability, or a share of the spread; where that is zero, any move is 1."""
    apart = np.abs(new - old)
    return np.asarray(apart / moved.spread if moved.spread > 0 else np.where(apart > 0, 1.0, apart))


def _worst(
    amounts: Floats, wrong: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The wrong rows, the worst first; what is no number comes first of all."""
    order = np.argsort(-np.nan_to_num(amounts, nan=np.inf), kind="stable")
    return order[wrong[order]]


def _vacuous(
    check: InvarianceCheck | DirectionalCheck | ToleranceCheck, subject: Subject, threshold: float
) -> ModelCheckResult:
    """Nothing was changed, so nothing is shown."""
    templates = getattr(check, "templates", None)
    rows = "no text of the templates" if templates is not None else f"none of {subject.frame.height} rows"
    message = f"The change touches {rows} as far as the model looks at them: this shows nothing."
    return finding(check, "inconclusive", message, vacuous=True, threshold=threshold, rows=0)
