"""The pinned rows of a model as one result: mistakes made once, which no later version may make."""

from collections.abc import Sequence
from typing import Any, Final

from domain.errors import Invalid
from domain.model_checks.specs import ExpectedRow, ModelCheckResult, PinnedRow
from domain.registry.specs import Label
from ml.models import Model

EXAMPLES_SHOWN: Final = 50


def check_pinned(pins: Sequence[PinnedRow], model: Model) -> ModelCheckResult:
    """Every pinned row answered as expected. What a later model no longer takes is passed over, what it lacks fails."""
    wrong = []
    for pin, answer in zip(pins, _answers(pins, model), strict=True):
        shown = {"pin_id": pin.pin_id, "note": pin.note, "instance": pin.instance, "expected": pin.expect}
        if isinstance(answer, Invalid):
            wrong.append({**shown, "error": answer.message})
        elif not answered_as_expected(pin, answer):
            wrong.append({**shown, "got": answer})
    right = len(pins) - len(wrong)
    return ModelCheckResult(
        gate="pinned",
        name="pinned",
        verdict="fail" if wrong else "pass",
        value=right / len(pins),
        threshold=1.0,
        message=f"{right} of {len(pins)} pinned rows are answered as expected; asked: all.",
        rows=len(pins),
        examples=wrong[:EXAMPLES_SHOWN],
    )


def _answers(pins: Sequence[PinnedRow], model: Model) -> list[Any]:
    """For each row its answer, or what kept the model from giving one."""
    try:
        return list(model.predict([pin.instance for pin in pins], extra="record").values)
    except Invalid:
        return [_answer(pin, model) for pin in pins]


def _answer(pin: PinnedRow, model: Model) -> Label | Invalid:
    try:
        return model.predict([pin.instance], extra="record").values[0]
    except Invalid as error:
        return error


def answered_as_expected(row: ExpectedRow, answer: Label) -> bool:
    """The label, or a number within `within`."""
    if row.within is None:
        return answer == row.expect
    numbers = isinstance(answer, (int, float)) and isinstance(row.expect, (int, float))
    return numbers and abs(float(answer) - float(row.expect)) <= row.within
