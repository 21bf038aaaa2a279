"""What happens to sweeps. The subject is `sweeps/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class SweepStarted(Event):
    """One training is to be tried with many parameters."""

    experiment: str
    sweep_id: str
    trials: int


@dataclass(frozen=True, kw_only=True)
class SweepEnded(Event):
    """`best_run_id` is absent when no trial came to a value of the metric."""

    experiment: str
    sweep_id: str
    state: str
    reason: str
    best_run_id: str | None
    best_value: float | None
