"""Checks of what a model does: with rows it must get right, and with rows moved a little.

After Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (2020).
"""

import numpy as np
import polars as pl

from domain.errors import Invalid
from domain.model_checks.specs import ExpectedRow, MinimumFunctionalityCheck, ModelCheckResult, ToleranceCheck
from domain.registry.specs import Label
from ml.model_checks.subject import Subject

EXAMPLES_SHOWN = 20


def check_tolerance(gate: ToleranceCheck, subject: Subject) -> ModelCheckResult:
    """Numbers moved by Gaussian noise of `noise` x their standard deviation must not move the predictions much.

    Whole numbers stay whole: noise below half a unit leaves them where they are. Inconclusive when nothing moves.
    """
    before = subject.predictions.values
    frame, moved = _with_noise(gate, subject)
    if not moved:
        message = f"Noise of {gate.noise:g} standard deviations moves no number on these rows."
        return ModelCheckResult(gate=gate.gate, verdict="inconclusive", threshold=gate.max_shift, message=message)
    after = subject.predict(frame).values
    if subject.model.signature.task == "regression":
        old, new = np.array(before, dtype=np.float64), np.array(after, dtype=np.float64)
        apart = np.abs(new - old)
        spread = float(old.std())
        shift = float(apart.mean()) / spread if spread > 0 else float(apart.any())
        what = f"Predictions move by {shift:.2%} of their spread"
    else:
        apart = np.array([one != other for one, other in zip(before, after, strict=True)], dtype=np.float64)
        shift = float(apart.mean())
        what = f"{shift:.2%} of the labels change"
    worst = [int(row) for row in np.argsort(-apart, kind="stable")[:EXAMPLES_SHOWN] if apart[row] > 0]
    held = shift <= gate.max_shift
    return ModelCheckResult(
        gate=gate.gate,
        verdict="pass" if held else "fail",
        value=shift,
        threshold=gate.max_shift,
        message=f"{what} when {', '.join(moved)} move by {gate.noise:g} standard deviations; "
        f"asked: at most {gate.max_shift:.2%}.",
        examples=[] if held else [{"row": row, "before": before[row], "after": after[row]} for row in worst],
    )


def _with_noise(gate: ToleranceCheck, subject: Subject) -> tuple[pl.DataFrame, list[str]]:
    """The frame with its numeric inputs moved, and the names of those that did move."""
    generator = np.random.default_rng(subject.seed)
    moved = []
    for column in subject.model.signature.inputs:
        if column.category or column.type not in {"number", "integer"}:
            continue
        values = subject.frame[column.name].cast(pl.Float64).fill_nan(None)
        spread = float(np.std(values.drop_nulls().to_numpy())) if values.count() else 0.0
        noise = generator.normal(0.0, gate.noise * spread, len(values))
        changed = (values + pl.Series(noise)).alias(column.name)
        changed = changed.round() if column.type == "integer" else changed
        if (changed != values).any():
            moved.append(changed)
    return subject.frame.with_columns(moved), [values.name for values in moved]


def check_minimum_functionality(gate: MinimumFunctionalityCheck, subject: Subject) -> ModelCheckResult:
    """Every given row answered as expected: the label, or a number within `within` (exactly, when absent).

    A row the model cannot read (a missing column, a wrong type) is a failure with the reason.
    """
    wrong = []
    for index, row in enumerate(gate.rows):
        try:
            answer = subject.model.predict([row.instance]).values[0]
        except Invalid as error:
            place = (error.where or "").replace("instances[0]", f"rows[{index}]")
            wrong.append({"instance": row.instance, "expected": row.expect, "error": error.message, "where": place})
            continue
        if not _as_expected(row, answer):
            wrong.append({"instance": row.instance, "expected": row.expect, "got": answer})
    right = len(gate.rows) - len(wrong)
    return ModelCheckResult(
        gate=gate.gate,
        verdict="fail" if wrong else "pass",
        value=right / len(gate.rows),
        threshold=1.0,
        message=f"{right} of {len(gate.rows)} rows are answered as expected; asked: all.",
        examples=wrong[:EXAMPLES_SHOWN],
    )


def _as_expected(row: ExpectedRow, answer: Label) -> bool:
    if row.within is None:
        return answer == row.expect
    numbers = isinstance(answer, (int, float)) and isinstance(row.expect, (int, float))
    return numbers and abs(float(answer) - float(row.expect)) <= row.within
