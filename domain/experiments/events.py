"""What happens to experiments. What happens to their runs is said by `domain.training`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ExperimentCreated(Event):
    """There is a new experiment."""

    name: str
