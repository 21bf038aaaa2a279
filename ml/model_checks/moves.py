"""Rows before and after a change, and how far the answers to them moved. For the checks of changes."""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.model_checks.specs import Change, Templates
from domain.registry.specs import Label, Signature
from ml.frames import rows_as_json
from ml.model_checks.changes import Setting, apply_change
from ml.model_checks.subject import Subject
from ml.model_checks.templates import template_rows
from ml.models import Predictions

Floats = NDArray[np.float64]
EXAMPLES_SHOWN: Final = 20
# Answers are 32-bit: a move below this share of their scale is rounding.
ROUNDING: Final = 1e-6


class UnknownOutput(Invalid):
    """The check looks at a label that the model cannot give."""

    code = "unknown_output"


@dataclass(frozen=True)
class Moved:
    """The rows that a change touches: inputs before and after, with the answers to them.

    `rows`: their numbers among the frozen rows, or among the templates' texts. `looked_at`: rows that were to be
    changed. `spread`: the standard deviation of a regression's answers to all of them.
    """

    signature: Signature
    before: pl.DataFrame
    after: pl.DataFrame
    rows: NDArray[np.int64]
    looked_at: int
    was: Predictions
    now: Predictions
    spread: float

    def __len__(self) -> int:
        return len(self.rows)

    def amounts(self, output: Label | None) -> tuple[Floats, Floats]:
        """What is looked at, before and after: the number, or the probability of `output`.

        Without `output`, of the label that was given before; a model that tells no probabilities counts as sure.
        """
        if self.signature.task == "regression":
            return _floats(self.was.values), _floats(self.now.values)
        labels = self.was.values if output is None else [output] * len(self)
        return _probability(self.was, labels), _probability(self.now, labels)

    def of_texts(self) -> str:
        """How many rows the change touches, in words."""
        touched = f"{len(self)} rows" if len(self) != 1 else "1 row"
        return touched if len(self) == self.looked_at else f"{touched} (of {self.looked_at}) that the change touches"

    def examples(self, order: NDArray[np.int64], old: Floats, new: Floats) -> list[dict[str, Any]]:
        """The first of `order`: columns that differ before and after, and both answers."""
        shown = order[:EXAMPLES_SHOWN]
        before, after = rows_as_json(self.before[shown]), rows_as_json(self.after[shown])
        found = []
        for place, row in enumerate(shown.tolist()):
            differing = [name for name, value in before[place].items() if value != after[place][name]]
            example = {
                "row": int(self.rows[row]),
                "before": {name: before[place][name] for name in differing},
                "after": {name: after[place][name] for name in differing},
                "answer_before": _told(self.was.values[row]),
                "answer_after": _told(self.now.values[row]),
            }
            if self.was.probabilities is not None:
                example |= {"probability_before": _told(float(old[row])), "probability_after": _told(float(new[row]))}
            found.append(example)
        return found


def move(
    change: Change, subject: Subject, *, templates: Templates | None = None, text: str | None = None
) -> Moved | None:
    """Change the rows of the subject, or those of the templates; None when the change touches no row.

    The model answers all touched rows in one batch. Raises a kind of `Invalid` when change and rows do not fit.
    """
    signature = subject.model.signature
    base = subject
    if templates is not None:
        base = replace(subject, frame=template_rows(templates, signature, subject.lexicons))
        text = text or templates.column
    answers = base.predictions  # or what is wrong with the rows, before anything is changed
    changed = apply_change(change, base.frame, Setting(signature, subject.lexicons, subject.seed, text))
    names = [column.name for column in signature.inputs]
    differs = [base.frame[name].ne_missing(changed[name]).alias(name) for name in names if name in base.frame.columns]
    touched = pl.DataFrame(differs).select(pl.any_horizontal(pl.all()).arg_true()).to_series()
    rows = touched.to_numpy().astype(np.int64)
    if not len(rows):
        return None
    after = changed[rows].select(names)
    return Moved(
        signature=signature,
        before=base.frame[rows].select(names),
        after=after,
        rows=base.rows[rows],
        looked_at=base.frame.height,
        was=answers.take(rows),
        now=subject.predict(after),
        spread=_spread(answers, signature),
    )


def known_label(label: Label | None, signature: Signature, where: str) -> None:
    """Refuse a label that the model cannot give. Raises `UnknownOutput`."""
    if label is None:
        return
    if signature.task == "regression":
        raise UnknownOutput("The model answers numbers, and has no label to look at.", where=where)
    if signature.classes and label not in signature.classes:
        labels = ", ".join(map(repr, signature.classes[:20]))
        raise UnknownOutput(f"The model has no label {label!r}.", where=where, fix=f"Its labels are {labels}.")


def _probability(predictions: Predictions, labels: list[Label]) -> Floats:
    if predictions.probabilities is None:
        return _floats([value == label for value, label in zip(predictions.values, labels, strict=True)])
    places = {label: place for place, label in enumerate(predictions.classes)}
    chosen = predictions.probabilities[np.arange(len(labels)), [places[label] for label in labels]]
    return np.asarray(chosen, dtype=np.float64)


def _spread(predictions: Predictions, signature: Signature) -> float:
    return float(np.std(_floats(predictions.values))) if signature.task == "regression" else 1.0


def _floats(values: list[Any]) -> Floats:
    return np.array(values, dtype=np.float64)


def _told(value: Label) -> Label:
    """An answer as JSON can hold it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
