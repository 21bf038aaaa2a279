"""What a sweep does next, from how its trials stand: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Protocol

from domain.sweeps.specs import Goal, SweepSpec
from domain.sweeps.states import SweepState, TrialState

IN_FLIGHT = frozenset({TrialState.PENDING, TrialState.RUNNING})


class Standing(Protocol):
    """What is asked of a trial."""

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> TrialState: ...
    @property
    def value(self) -> float | None: ...
    @property
    def ended_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Next:
    """The numbers of the trials whose turn it is; or how the sweep ends; or neither: it waits for those in flight."""

    start: list[int] = field(default_factory=list)
    end: SweepState | None = None
    reason: str = ""


def best_of(trials: Sequence[Standing], goal: Goal) -> Standing | None:
    """The trial with the best value, the first among equals; None when there is no value yet."""
    sign = 1.0 if goal == "min" else -1.0
    valued = [
        (sign * trial.value, trial.number, trial) for trial in trials if _counts(trial) and trial.value is not None
    ]
    return min(valued, key=lambda one: one[:2])[2] if valued else None


def decide(spec: SweepSpec, trials: Sequence[Standing], *, elapsed_seconds: float) -> Next:
    """The next turn of a sweep that has run for so long."""
    waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
    flying = [trial for trial in trials if trial.state in IN_FLIGHT]
    stop = _reason_to_stop(spec, trials, elapsed_seconds)
    if waiting and stop is None:
        return Next(start=waiting[: max(0, spec.parallel - len(flying))])
    if flying:
        return Next()
    if best_of(trials, spec.objective.goal) is None:
        return Next(end=SweepState.FAILED, reason=stop or "No trial came to a value of the metric.")
    return Next(end=SweepState.SUCCEEDED, reason=stop or "Every trial has ended.")


def _reason_to_stop(spec: SweepSpec, trials: Sequence[Standing], elapsed_seconds: float) -> str | None:
    if spec.max_seconds is not None and elapsed_seconds >= spec.max_seconds:
        return f"The {spec.max_seconds:g} seconds were over."
    if spec.patience is not None and _ended_since_best(trials, spec.objective.goal) >= spec.patience:
        return f"The last {spec.patience} trials were no better."
    return None


def _ended_since_best(trials: Sequence[Standing], goal: Goal) -> int:
    """How many trials have ended after the best one, failed ones too; all of them while there is no best."""
    ended = sorted((trial.ended_at, trial.number) for trial in trials if trial.ended_at is not None)
    best = best_of(trials, goal)
    numbers = [number for _, number in ended]
    return len(numbers) if best is None else len(numbers) - 1 - numbers.index(best.number)


def _counts(trial: Standing) -> bool:
    return trial.state == TrialState.FINISHED and trial.value is not None and isfinite(trial.value)
