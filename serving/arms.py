"""Counts of what two versions do with requests while a rollout is on trial, in this process. See `serving.trials`."""

import math
import threading
from bisect import bisect_right
from collections import Counter
from typing import Final

import numpy as np

from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts, MirrorCounts, Trial
from domain.errors import DomainError
from domain.registry.specs import Label
from ml.models import Predictions
from serving.errors import Disconnected
from serving.segments import label_text

# Callers with a routing key that are told apart, per version, step and process: some ten megabytes.
_MOST_CALLERS: Final = 100_000
_LONGEST_KEY: Final = 200
_FAULTS = frozenset({"model_failed", "deadline_exceeded"})


def is_fault(error: Exception) -> bool:
    """Whether the model is to blame: it died, raised or was too late; not the caller, nor a process that is busy."""
    return error.code in _FAULTS if isinstance(error, DomainError) else not isinstance(error, Disconnected)


def is_strange(predictions: Predictions) -> bool:
    """Whether any row was answered by NaN or infinity."""
    if predictions.probabilities is not None:
        return not np.isfinite(predictions.probabilities).all()
    return not all(math.isfinite(value) for value in predictions.values if isinstance(value, float))


class Tally:
    """Names answers as a trial counts them: by label, or by the number's place among its bins."""

    def __init__(self, trial: Trial, *, numbers: bool) -> None:
        self.numbers = numbers
        self._bins = trial.bins
        self._tolerance = trial.tolerance

    def name(self, value: Label) -> str:
        return str(bisect_right(self._bins, float(value))) if self.numbers else label_text(value)

    def differ(self, one: Label, other: Label) -> bool:
        """Whether two answers disagree. Two that are both no numbers say the same."""
        if not self.numbers:
            return label_text(one) != label_text(other)
        first, second = float(one), float(other)
        if math.isnan(first) or math.isnan(second):
            return math.isnan(first) != math.isnan(second)
        return first != second and not abs(first - second) <= self._tolerance


class Arm:
    """What one version did with the requests that it was drawn for. From any thread."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lock = threading.Lock()
        self._requests = self._faults = self._strange = 0
        self._latency = [0] * (len(LATENCY_EDGES_US) + 1)
        self._answers: Counter[str] = Counter()
        self._callers: set[str] = set()
        self._failed: set[str] = set()

    def is_drawn(self, key: str | None) -> bool:
        """Whether a request was drawn by lot.

        A caller with a key stays with its version, so only the first request of each was; what the others come to is
        no evidence of its own.
        """
        with self._lock:
            return key is None or _add(self._callers, key)

    def answered(self, predictions: Predictions, elapsed_us: int) -> None:
        place, strange = bisect_right(LATENCY_EDGES_US, elapsed_us), is_strange(predictions)
        with self._lock:
            self._requests += 1
            self._latency[place] += 1
            if strange:
                self._strange += 1
            else:
                self._answers[self._tally.name(predictions.values[0])] += 1

    def failed(self, key: str | None, *, drawn: bool) -> None:
        """A fault. Of a caller with a key the first one counts, whichever of its requests that was."""
        with self._lock:
            self._requests += drawn
            self._faults += key is None or _add(self._failed, key)

    def counts(self) -> ArmCounts:
        with self._lock:
            return ArmCounts(
                requests=self._requests,
                faults=self._faults,
                strange=self._strange,
                latency=list(self._latency),
                answers=dict(self._answers),
            )


class Copies:
    """What the candidate said to copies of the control's requests."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()

    def dropped(self) -> None:
        with self._lock:
            self._counts["dropped"] += 1

    def failed(self) -> bool:
        """Counts a fault; whether it is the first."""
        with self._lock:
            self._counts.update(requests=1, faults=1)
            return self._counts["faults"] == 1

    def answered(self, predictions: Predictions, control: Label) -> None:
        """One row's answer, beside the one that the caller was given."""
        value, strange = predictions.values[0], is_strange(predictions)
        differ = self._tally.differ(value, control)
        with self._lock:
            self._counts.update(requests=1, strange=int(strange), disagreements=int(differ))
            if not strange:
                self._answers[self._tally.name(value)] += 1

    def timed(self, *, slower: bool) -> None:
        with self._lock:
            self._counts.update(timed=1, slower=int(slower))

    def counts(self) -> MirrorCounts:
        with self._lock:
            return MirrorCounts.model_validate({**self._counts, "answers": dict(self._answers)})


def _add(callers: set[str], key: str) -> bool:
    """Whether the key is new, and is remembered from now on."""
    known = key[:_LONGEST_KEY]
    if known in callers or len(callers) >= _MOST_CALLERS:
        return False
    callers.add(known)
    return True
