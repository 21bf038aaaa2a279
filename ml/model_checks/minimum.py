"""Minimum functionality: rows and templates that a version must answer as expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import Invalid
from domain.model_checks.specs import ExpectedRow, MinimumFunctionalityCheck, ModelCheckResult
from domain.registry.specs import Label
from ml.estimates import wilson
from ml.frames import rows_as_json
from ml.model_checks.moves import EXAMPLES_SHOWN, known_label
from ml.model_checks.pinned import answered_as_expected
from ml.model_checks.subject import Subject, finding
from ml.model_checks.templates import template_rows
from ml.models import Model, Predictions


def check_minimum_functionality(check: MinimumFunctionalityCheck, subject: Subject) -> ModelCheckResult:
    """Every row answered as expected: the label, or a number within `within` (exactly, when absent).

    A row the model cannot read (a missing column, a wrong type) is a failure with the reason.
    """
    answered = _given(check.rows, subject.model) + _made(check, subject)
    wrong = [answer.as_example() for answer in answered if not answer.right]
    right = len(answered) - len(wrong)
    share = right / len(answered)
    low, high = wilson(right, len(answered))
    asked = "all" if check.min_share == 1 else f"at least {check.min_share:.2%}"
    return finding(
        check,
        "pass" if share >= check.min_share else "fail",
        f"{right} of {len(answered)} rows are answered as expected; asked: {asked}.",
        value=share,
        low=low,
        high=high,
        threshold=check.min_share,
        rows=len(answered),
        examples=wrong[:EXAMPLES_SHOWN],
    )


@dataclass(frozen=True)
class _Answer:
    """What came of one row: an answer, with the probability of the expected one, or the error in its place."""

    row: ExpectedRow
    got: Label | None = None
    probability: float | None = None
    error: str | None = None
    where: str | None = None

    @property
    def right(self) -> bool:
        if self.error is not None or self.got is None:
            return False
        return answered_as_expected(self.row, self.got)

    def as_example(self) -> dict[str, Any]:
        told = {"got": self.got, "probability": self.probability, "error": self.error, "where": self.where}
        known = {name: value for name, value in told.items() if value is not None}
        return {"instance": self.row.instance, "expected": self.row.expect, **known}


def _given(rows: Sequence[ExpectedRow], model: Model) -> list[_Answer]:
    """All rows in one batch; one by one when the model cannot read some of them."""
    if not rows:
        return []
    try:
        return _answers(rows, model.predict([row.instance for row in rows]))
    except Invalid:
        found: list[_Answer] = []
    for index, row in enumerate(rows):
        try:
            found += _answers([row], model.predict([row.instance]))
        except Invalid as error:
            place = (error.where or "").replace("instances[0]", f"rows[{index}]")
            found.append(_Answer(row, error=error.message, where=place))
    return found


def _made(check: MinimumFunctionalityCheck, subject: Subject) -> list[_Answer]:
    """The answers to the texts of the templates."""
    if check.templates is None or check.expect is None:
        return []
    signature = subject.model.signature
    if signature.task != "regression":
        known_label(check.expect, signature, "expect")
    frame = template_rows(check.templates, signature, subject.lexicons)
    rows = [ExpectedRow(instance=row, expect=check.expect, within=check.within) for row in rows_as_json(frame)]
    return _answers(rows, subject.predict(frame))


def _answers(rows: Sequence[ExpectedRow], predictions: Predictions) -> list[_Answer]:
    places = {label: place for place, label in enumerate(predictions.classes)}
    table = predictions.probabilities
    found = []
    for number, (row, got) in enumerate(zip(rows, predictions.values, strict=True)):
        place = places.get(row.expect)
        probability = float(table[number, place]) if table is not None and place is not None else None
        found.append(_Answer(row, got=got, probability=probability))
    return found
