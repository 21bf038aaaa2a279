"""What may be compared: rows, answers and settings looked over before any test, each refusal with its place."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from domain.errors import Invalid
from domain.registry.specs import Label, Task
from ml.comparison.effect import Floats, Rows
from ml.models import Predictions

# Probabilities come as 32-bit numbers from ONNX: far from this, and far from any that are wrong.
_TOLERANCE = 1e-3


class NothingToCompare(Invalid):
    code = "nothing_to_compare"


class UnevenRows(Invalid):
    code = "uneven_rows"


class NotScores(Invalid):
    """An answer or a truth that is no finite number, or is missing."""

    code = "not_scores"


class NotProbabilities(Invalid):
    code = "not_probabilities"


class UnfitTest(Invalid):
    """A test that says nothing about this metric."""

    code = "unfit_test"


class BadQuestion(Invalid):
    """Figures of a policy that make no question: alpha, the minimum effect, the margin, the power."""

    code = "bad_question"


class BadSlice(Invalid):
    code = "bad_slice"


def check_question(*, alpha: float, min_effect: float, margin: float, slice_margin: float, power: float) -> None:
    """Raise `BadQuestion` unless alpha is in (0, 0.5), power in (alpha, 1), and the others finite and not negative."""
    if not 0 < alpha < 0.5:
        raise BadQuestion(f"alpha is {alpha}, which is not between 0 and 0.5.", where="alpha")
    if not alpha < power < 1:
        raise BadQuestion(f"power is {power}, which is not between alpha and 1.", where="power")
    for name, value in {"min_effect": min_effect, "margin": margin, "slice_margin": slice_margin}.items():
        if not 0 <= value < np.inf:
            raise BadQuestion(f"{name} is {value}, which is not a number from 0 up.", where=name)


def check_answers(y: Sequence[Label], contenders: Mapping[str, Predictions], task: Task) -> None:
    """Raise unless there are rows, each contender answered every one of them, and with numbers that mean something."""
    if len(y) == 0:
        raise NothingToCompare("There are no rows that neither model was trained on.", where="rows")
    for name, predictions in contenders.items():
        if len(predictions.values) != len(y):
            raise UnevenRows(f"The {name} answered {len(predictions.values)} of {len(y)} rows.", where=name)
    for name, values in {"truth": y, **{name: one.values for name, one in contenders.items()}}.items():
        _check_values(name, values, numbers=task == "regression")
    for name, predictions in contenders.items():
        if predictions.probabilities is not None:
            _check_probabilities(name, predictions.probabilities, len(y), len(predictions.classes))


def check_slices(slices: Mapping[str, Rows], rows: int) -> dict[str, Rows]:
    """The rows of each slice in ascending order. Raises `BadSlice` for one that is named twice or does not exist."""
    found = {}
    for label, chosen in slices.items():
        ordered = np.unique(np.asarray(chosen, dtype=np.int64))
        if len(ordered) != len(chosen):
            raise BadSlice(f"The slice {label!r} names a row twice.", where=label)
        if len(ordered) and not 0 <= ordered[0] <= ordered[-1] < rows:
            raise BadSlice(f"The slice {label!r} names rows that are not among the {rows}.", where=label)
        found[label] = ordered
    return found


def _check_values(name: str, values: Sequence[Label | None], *, numbers: bool) -> None:
    whose = "The truth" if name == "truth" else f"The answer of the {name}"
    if numbers:
        try:
            bad = ~np.isfinite(np.asarray(values, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise NotScores(f"{whose} is not a number in every row.", where=name) from error
    else:
        bad = np.fromiter(map(_is_missing, values), dtype=bool, count=len(values))
    if bad.any():
        row = int(bad.argmax())
        raise NotScores(
            f"{whose} in row {row} is {values[row]}; {int(bad.sum())} of {len(values)} rows have none.", where=name
        )


def _is_missing(value: Label | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _check_probabilities(name: str, probabilities: Floats, rows: int, classes: int) -> None:
    if probabilities.shape != (rows, classes):
        raise NotProbabilities(
            f"The probabilities of the {name} are {probabilities.shape}, not {rows} rows of {classes} classes.",
            where=name,
        )
    # Written so that NaN is outside too.
    outside = ~((probabilities >= -_TOLERANCE) & (probabilities <= 1 + _TOLERANCE)).all(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise NotProbabilities(
            f"The {name} gives {probabilities[row].tolist()} in row {row}: outside 0..1.", where=name
        )
    sums = probabilities.sum(axis=1)
    wrong = np.abs(sums - 1) > _TOLERANCE
    if wrong.any():
        row = int(wrong.argmax())
        raise NotProbabilities(
            f"The probabilities of the {name} in row {row} sum to {sums[row]:.4g}, not to 1.", where=name
        )
