"""What each input contributed to one answer of a model: Shapley values of its features, or its words taken away.

Pure: the model is a function from columns to one number a row. Called by the worker that explains a prediction.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
Value = Callable[[Columns], NDArray[np.float64]]
Floats = NDArray[np.float64]

MOST_EXACT: Final = 8
"""Up to so many features every coalition is asked: 256 of them."""
MOST_WORDS: Final = 300
_ROWS_AT_ONCE: Final = 5_000
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True)
class Shares:
    """Contributions in the order of `features`; `errors` are standard errors, NaN where there are none."""

    features: list[str]
    contributions: Floats
    errors: Floats
    base: float
    prediction: float
    evaluations: int


def shapley(
    value: Value, instance: Columns, background: Columns, *, permutations: int, seed: int, most_exact: int = MOST_EXACT
) -> tuple[Shares, bool]:
    """Shapley values of one row's features, and whether they are exact: they add up to the answer less the base.

    A coalition is worth the mean answer to the background rows with its features set to those of `instance` [1 row]
    (Lundberg and Lee 2017, the interventional value). With few features all coalitions are asked; with more, features
    are set one by one in random orders (Strumbelj and Kononenko 2014, algorithm 2), `permutations` orders from each
    background row, so that the sum is exact there as well. The standard error is that of the mean over the background
    rows, which are a sample of all there could be.
    """
    names = list(instance)
    rows = len(next(iter(background.values())))
    asked = _Asked(value, instance, background)
    if len(names) <= most_exact:
        shares = _exact(asked, len(names), rows)
        exact = True
    else:
        shares = _sampled(asked, len(names), rows, permutations, np.random.default_rng(seed))
        exact = False
    per_row, base, prediction = shares
    spread = per_row.std(axis=0, ddof=1) / math.sqrt(rows) if rows > 1 else np.full(len(names), np.nan)
    return Shares(names, per_row.mean(axis=0), spread, base, prediction, asked.rows), exact


class _Asked:
    """The model asked for mixtures of the row and of background rows, and how many that were."""

    def __init__(self, value: Value, instance: Columns, background: Columns) -> None:
        self._value, self._instance, self._background = value, instance, background
        self.rows = 0

    def __call__(self, known: NDArray[np.bool_], places: NDArray[np.int64]) -> Floats:
        """Answers to rows that have the features `known` [rows, features] of the row, the others of `places`."""
        found = []
        for start in range(0, len(places), _ROWS_AT_ONCE):
            some, which = known[start : start + _ROWS_AT_ONCE], places[start : start + _ROWS_AT_ONCE]
            mixed = {
                name: np.where(some[:, feature], values, self._background[name][which])
                for feature, (name, values) in enumerate(self._instance.items())
            }
            found.append(self._value(mixed))
        self.rows += len(places)
        return np.concatenate(found)


def _exact(asked: _Asked, features: int, rows: int) -> tuple[Floats, float, float]:
    """Per background row the Shapley values by their definition, over all coalitions."""
    coalitions = np.arange(2**features)
    known = (coalitions[:, None] >> np.arange(features)) & 1 == 1
    worth = asked(np.repeat(known, rows, axis=0), np.tile(np.arange(rows), len(coalitions))).reshape(-1, rows)
    sizes = known.sum(axis=1)
    per_row = np.empty((rows, features))
    for feature in range(features):
        without = coalitions[~known[:, feature]]
        weights = np.array([1 / (features * math.comb(features - 1, size)) for size in sizes[without].tolist()])
        per_row[:, feature] = weights @ (worth[without | (1 << feature)] - worth[without])
    return per_row, float(worth[0].mean()), float(worth[-1].mean())


def _sampled(
    asked: _Asked, features: int, rows: int, permutations: int, random: np.random.Generator
) -> tuple[Floats, float, float]:
    """Per background row the mean change by each feature as it is set, over random orders."""
    places = np.tile(np.arange(rows), permutations)
    orders = random.permuted(np.tile(np.arange(features), (len(places), 1)), axis=1)
    ranks = orders.argsort(axis=1)
    steps = np.arange(features + 1)
    known = ranks[:, None, :] < steps[None, :, None]
    worth = asked(known.reshape(-1, features), np.repeat(places, features + 1)).reshape(-1, features + 1)
    changes = np.take_along_axis(np.diff(worth, axis=1), ranks, axis=1)
    per_row = changes.reshape(permutations, rows, features).mean(axis=0)
    return per_row, float(worth[:rows, 0].mean()), float(worth[0, -1])


def ablation(value: Value, instance: Columns, texts: Sequence[str]) -> Shares:
    """By how much the answer falls when a word is taken out of the columns `texts` of one row, wherever it stands.

    Words are told apart without their case; the first `MOST_WORDS` are looked at. The base is the answer to no words.
    """
    held = {name: str(instance[name][0] or "") for name in texts}
    words = list(dict.fromkeys(word.lower() for text in held.values() for word in _WORD.findall(text)))[:MOST_WORDS]
    variants = [held, dict.fromkeys(held, ""), *({name: _without(held[name], word) for name in held} for word in words)]
    columns = {name: np.repeat(values, len(variants)) for name, values in instance.items()}
    for name in texts:
        columns[name] = np.array([variant[name] for variant in variants], dtype=object)
    answers = value(columns)
    drops = answers[0] - answers[2:]
    return Shares(words, drops, np.full(len(words), np.nan), float(answers[1]), float(answers[0]), len(variants))


def _without(text: str, word: str) -> str:
    return " ".join(re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.IGNORECASE).split())
