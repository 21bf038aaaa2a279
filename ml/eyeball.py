"""Which of a model's answers a person should look at. Called by the eyeball handler of the workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.eyeballs.specs import ROW_KINDS, Pick, RowKind, SeenRow
from domain.registry.specs import Label, Signature
from ml.frames import rows_as_json
from ml.inputs import truth
from ml.models import Predictions
from ml.splits import row_hashes

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class NoSuchRows(Invalid):
    code = "no_such_rows"


class KindNeedsLabels(Invalid):
    code = "kind_needs_labels"


@dataclass(frozen=True)
class Answered:
    """Rows with their truth, and what one model, and perhaps another, answers to them."""

    frame: pl.DataFrame
    signature: Signature
    answers: Predictions
    others: Predictions | None
    seed: int

    @property
    def labels(self) -> bool:
        return self.signature.task != "regression"

    @property
    def y(self) -> list[Label]:
        return truth(self.frame, self.signature)

    def wrong(self) -> NDArray[np.bool_]:
        return np.array([one != true for one, true in zip(self.answers.values, self.y, strict=True)], dtype=bool)

    def errors(self) -> Floats:
        """How wrong each answer is: 1 - the probability of the truth for labels, the absolute error for numbers."""
        if not self.labels:
            return np.abs(np.array(self.y, dtype=np.float64) - np.array(self.answers.values, dtype=np.float64))
        return np.where(self.wrong(), _confidence(self.answers), -_confidence(self.answers))

    def apart(self) -> Floats:
        """How far the two models are apart: their confidence together where labels differ, the distance of numbers."""
        if self.others is None:
            return np.zeros(self.frame.height)
        pairs = list(zip(self.answers.values, self.others.values, strict=True))
        if not self.labels:
            return np.array([abs(float(one) - float(other)) for one, other in pairs])
        differ = np.array([one != other for one, other in pairs])
        return np.where(differ, _confidence(self.answers) + _confidence(self.others), 0.0)


def refuse_empty(frame: pl.DataFrame) -> None:
    """Raise `NoSuchRows` when nothing is left to look at."""
    if frame.is_empty():
        raise NoSuchRows("There are no rows to show.", where="where", fix="Ask for a wider slice.")


def pick(answered: Answered, kinds: Sequence[RowKind] | None, *, limit: int) -> Pick:
    """Up to `limit` rows of each kind, the most telling first; the same ones each time.

    `confident_mistakes`: wrong, surest first (numbers: the largest errors). `borderline`: the two likeliest labels
    closest together. `disagreements`: the other model answers otherwise, surest first (numbers: furthest apart).
    `incorrect`, `correct`, `random`: a sample (numbers: `correct` are the smallest errors).
    `answered` has at least one row. Raises `KindNeedsLabels` for kinds that numbers do not have.
    """
    chosen = {kind: rows for kind in kinds or ROW_KINDS if (rows := _CHOICES[kind](answered)) is not None}
    for kind in kinds or ():
        if kind not in chosen and kind != "disagreements":
            raise KindNeedsLabels(f"A number is more or less wrong: there is no {kind!r} among them.", where="kinds")
    wrong = answered.wrong() if answered.labels else None
    apart = answered.apart() > 0 if answered.others is not None else None
    return Pick(
        rows=answered.frame.height,
        mistakes=None if wrong is None else int(wrong.sum()),
        disagreements=None if apart is None or not answered.labels else int(apart.sum()),
        kinds={kind: _seen(answered, rows[:limit]) for kind, rows in chosen.items()},
    )


def _ranked(score: Floats, among: NDArray[np.bool_]) -> Rows:
    order = np.argsort(-score, kind="stable")
    ranked: Rows = order[among[order]]
    return ranked


def _sampled(answered: Answered, among: NDArray[np.bool_]) -> Rows:
    rows: Rows = np.flatnonzero(among).astype(np.int64)
    return np.random.default_rng(answered.seed).permutation(rows)


def _mistakes(answered: Answered) -> Rows:
    errors = answered.errors()
    return _ranked(errors, answered.wrong() if answered.labels else errors > 0)


def _borderline(answered: Answered) -> Rows | None:
    if not answered.labels or answered.answers.probabilities is None:
        return None
    two = np.sort(answered.answers.probabilities, axis=1)[:, -2:]
    return _ranked(two[:, 0] - two[:, 1], np.ones(len(two), dtype=bool))


def _disagreements(answered: Answered) -> Rows | None:
    if answered.others is None:
        return None
    apart = answered.apart()
    return _ranked(apart, apart > 0)


def _incorrect(answered: Answered) -> Rows | None:
    return _sampled(answered, answered.wrong()) if answered.labels else None


def _correct(answered: Answered) -> Rows:
    if answered.labels:
        return _sampled(answered, ~answered.wrong())
    return _ranked(-answered.errors(), np.ones(answered.frame.height, dtype=bool))


def _random(answered: Answered) -> Rows:
    return _sampled(answered, np.ones(answered.frame.height, dtype=bool))


_CHOICES: Final[dict[RowKind, Callable[[Answered], Rows | None]]] = {
    "confident_mistakes": _mistakes,
    "borderline": _borderline,
    "disagreements": _disagreements,
    "incorrect": _incorrect,
    "correct": _correct,
    "random": _random,
}


def _confidence(answers: Predictions) -> Floats:
    """The probability of each answer; 1 where the model gives none."""
    if answers.probabilities is None:
        return np.ones(len(answers.values))
    best: Floats = answers.probabilities.max(axis=1)
    return best


def _seen(answered: Answered, rows: Rows) -> list[SeenRow]:
    inputs = [column.name for column in answered.signature.inputs]
    frame = answered.frame[rows]
    names = row_hashes(frame, [*inputs, answered.signature.target])
    answers, y = answered.answers.take(rows), truth(frame, answered.signature)
    others = answered.others.take(rows) if answered.others is not None else None
    return [
        SeenRow(
            row=f"{names[place]:016x}",
            instance=instance,
            truth=y[place],
            answer=answers.values[place],
            **_sureness(answered, answers, y, place),
            **_beside(others, place),
        )
        for place, instance in enumerate(rows_as_json(frame.select(inputs)))
    ]


def _sureness(answered: Answered, answers: Predictions, y: list[Label], place: int) -> dict[str, Any]:
    answer = answers.values[place]
    if not answered.labels:
        return {"correct": None, "error": abs(float(answer) - float(y[place]))}
    found: dict[str, Any] = {"correct": answer == y[place]}
    if answers.probabilities is not None:
        shares = answers.probabilities[place].tolist()
        found["confidence"] = max(shares)
        found["probabilities"] = dict(zip(map(str, answers.classes), shares, strict=True))
    return found


def _beside(others: Predictions | None, place: int) -> dict[str, Any]:
    if others is None:
        return {}
    sure = None if others.probabilities is None else float(others.probabilities[place].max())
    return {"other": others.values[place], "other_confidence": sure}
