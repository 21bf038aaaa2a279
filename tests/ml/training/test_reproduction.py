"""How far apart two models' answers are."""

import numpy as np
import pytest

from ml.models import Predictions
from ml.reproduction import compare_predictions


def labels(first: float, again: float, classes: tuple[str, ...] = ("no", "yes")) -> list[Predictions]:
    return [Predictions([classes[share > 0.5]], np.array([[1 - share, share]]), classes) for share in (first, again)]


def test_numbers_are_apart_in_units_of_the_targets_spread() -> None:
    found = compare_predictions(Predictions([1.0, 2.0, 3.0]), Predictions([1.0, 2.5, 2.0]), spread=2.0)
    assert (found.rows, found.largest, found.differing, found.same_label) == (3, 0.5, 2, None)


def test_the_same_to_the_last_bit_differs_nowhere() -> None:
    nan = float("nan")
    found = compare_predictions(Predictions([1.0, nan]), Predictions([1.0, nan]), spread=0.0)
    assert (found.largest, found.differing) == (0.0, 0)
    assert compare_predictions(Predictions([1.0]), Predictions([np.nextafter(1.0, 2.0)]), spread=1.0).differing == 1


def test_nan_in_one_of_them_is_as_far_as_can_be() -> None:
    found = compare_predictions(Predictions([1.0]), Predictions([float("nan")]), spread=1.0)
    assert found.largest > 1e300


def test_probabilities_and_labels_are_told_apart() -> None:
    found = compare_predictions(*labels(0.49, 0.51), spread=1.0)
    assert found.largest == pytest.approx(0.02)
    assert (found.differing, found.same_label) == (1, 0.0)


def test_labels_without_probabilities_are_the_same_or_not() -> None:
    found = compare_predictions(
        Predictions(["a", "b"], None, ("a", "b")), Predictions(["a", "a"], None, ("a", "b")), spread=1.0
    )
    assert (found.largest, found.differing, found.same_label) == (1.0, 1, 0.5)


def test_other_classes_are_other_answers() -> None:
    found = compare_predictions(labels(0.9, 0.9)[0], labels(0.9, 0.9, ("no", "oui"))[1], spread=1.0)
    assert (found.largest, found.differing) == (1.0, 1)
