"""What each input is worth to the model, by shuffling it: one that carries the answer, and those that carry nothing.

Permutation importance: Breiman, Random Forests (2001); Fisher, Rudin and Dominici, All Models are Wrong, but Many are
Useful (JMLR 20, 2019).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.model_checks.specs import LeakageCheck, ModelCheckResult, UnusedFeaturesCheck, Verdict
from ml.estimates import Z
from ml.model_checks.rows import on_rows, one_hot
from ml.model_checks.subject import Subject, finding
from ml.models import Predictions

ROWS_SHUFFLED = 2_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Worth:
    """The share of the model's skill that shuffling a column destroys, with its 95 % interval."""

    column: str
    share: float
    low: float
    high: float


@on_rows
def check_leakage(check: LeakageCheck, subject: Subject) -> ModelCheckResult:
    """No column whose shuffling destroys more than `max_share` of the skill, few rows that were also trained on.

    Skill is how far the model's loss is below that of the best constant: squared error, or the Brier score (bounded, so
    that a model that is sure of itself does not look broken by one wrong row). Measured on up to 2,000 rows.
    """
    seen, told = _seen(check, subject)
    sample = _sample(subject, ROWS_SHUFFLED)
    before, skill = _losses(sample, sample.predictions), _skill(sample)
    names = [column.name for column in subject.model.signature.inputs]
    if len(names) < 2 or skill <= 0:
        why = f"The model is no better than a constant on {len(before)} rows: no column carries anything"
        why = "The model has one input: that it carries the answer is its purpose" if len(names) < 2 else why
        verdict: Verdict = "fail" if seen == "fail" else "inconclusive"
        return finding(check, verdict, f"{why}. {told}", threshold=check.max_share, vacuous=seen != "fail")
    found = []
    for name, answers in _shuffled(sample, names):
        lost = (_losses(sample, answers) - before) / skill
        reach = Z * float(lost.std() / np.sqrt(len(lost)))
        found.append(_Worth(name, float(lost.mean()), float(lost.mean()) - reach, float(lost.mean()) + reach))
    found.sort(key=lambda worth: -worth.share)
    first, second = found[0], found[1]
    held = first.share <= check.max_share
    table = [{"column": one.column, "share": one.share, "low": one.low, "high": one.high} for one in found]
    return finding(
        check,
        "pass" if held and seen == "pass" else "fail",
        f"Shuffling {first.column!r} destroys {first.share:.0%} of what the model knows beyond a constant, the next, "
        f"{second.column!r}, {second.share:.0%}; asked: at most {check.max_share:.0%} by one column. {told}",
        value=first.share,
        low=first.low,
        high=first.high,
        threshold=check.max_share,
        details={"columns": table, "seen_share": subject.seen_share, "rows_shuffled": len(before)},
    )


def _seen(check: LeakageCheck, subject: Subject) -> tuple[Verdict, str]:
    if subject.seen_share is None:
        return "pass", "Whether it was trained on some of these rows is not known."
    said = f"It was trained on {subject.seen_share:.1%} of the frozen rows; asked: at most {check.max_seen:.1%}."
    return ("pass" if subject.seen_share <= check.max_seen else "fail"), said


@on_rows
def check_unused_features(check: UnusedFeaturesCheck, subject: Subject) -> ModelCheckResult:
    """Inputs whose shuffling moves no prediction at all, at most `max_unused` of them.

    Tried on up to 2,000 rows, then on all of them where nothing has moved. An input that is the same in all rows cannot
    be shuffled: it is named and not judged.
    """
    columns = [column.name for column in subject.model.signature.inputs]
    constant = [name for name in columns if subject.frame[name].n_unique() < 2]
    names = [name for name in columns if name not in constant]
    sample = _sample(subject, ROWS_SHUFFLED)
    still = [name for name, answers in _shuffled(sample, names) if not _moved(sample.predictions, answers)]
    if sample.frame.height < subject.frame.height:
        still = [name for name, answers in _shuffled(subject, still) if not _moved(subject.predictions, answers)]
    apart = f" {', '.join(constant)} did not vary and could not be judged." if constant else ""
    if not names:
        message = f"No input varies on these {subject.frame.height} rows.{apart}"
        return finding(check, "inconclusive", message, vacuous=True, threshold=check.max_unused)
    held = len(still) <= check.max_unused
    which = f": {', '.join(still)}" if still else ""
    return finding(
        check,
        "pass" if held else "fail",
        f"Shuffling {len(still)} of {len(names)} inputs moves no prediction on {subject.frame.height} rows{which}; "
        f"asked: at most {check.max_unused}.{apart}",
        value=len(still),
        threshold=check.max_unused,
        details={"unused": still, "constant": constant},
    )


def _sample(subject: Subject, rows: int) -> Subject:
    """The same version on at most `rows` of its rows, the same ones every time."""
    if subject.frame.height <= rows:
        return subject
    return subject.take(np.sort(np.random.default_rng(subject.seed).choice(subject.frame.height, rows, replace=False)))


def _shuffled(subject: Subject, names: list[str]) -> list[tuple[str, Predictions]]:
    """The answers with each column shuffled, one column at a time."""
    generator = np.random.default_rng(subject.seed)
    found = []
    for name in names:
        order = pl.Series(generator.permutation(subject.frame.height))
        found.append((name, subject.predict(subject.frame.with_columns(subject.frame[name].gather(order)))))
    return found


def _losses(subject: Subject, answers: Predictions) -> Floats:
    """The squared error of each row; of probabilities summed over the classes, of bare labels 1 or 0."""
    if subject.model.signature.task == "regression":
        return (np.asarray(subject.y, dtype=np.float64) - np.asarray(answers.values, dtype=np.float64)) ** 2
    if answers.probabilities is None:
        return np.array([float(one != other) for one, other in zip(subject.y, answers.values, strict=True)])
    return np.asarray(((answers.probabilities - one_hot(subject)) ** 2).sum(axis=1))


def _skill(subject: Subject) -> float:
    """How much less the model loses than the best constant does: the mean, the shares of the classes, or the mode."""
    loss = float(_losses(subject, subject.predictions).mean())
    if subject.model.signature.task == "regression":
        return float(np.var(np.asarray(subject.y, dtype=np.float64))) - loss
    truth = one_hot(subject) if subject.predictions.classes else None
    if subject.predictions.probabilities is None or truth is None:
        commonest = max(subject.y.count(label) for label in set(subject.y))
        return 1 - commonest / len(subject.y) - loss
    shares = truth.mean(axis=0)
    return float(((truth - shares) ** 2).sum(axis=1).mean()) - loss


def _moved(before: Predictions, after: Predictions) -> bool:
    if before.probabilities is not None and after.probabilities is not None:
        return not np.array_equal(before.probabilities, after.probabilities)
    return before.values != after.values
