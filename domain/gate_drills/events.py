"""What gate drills come to. The subject is `gate-drills/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class GatesDrilled(Event):
    """`got_through` names the mutants that nothing stopped."""

    model: str
    model_id: str
    drill_id: str
    mutants: int
    got_through: list[str]


@dataclass(frozen=True, kw_only=True)
class GateDrillScheduled(Event):
    """`every_days` is 0 when the gates are not drilled by themselves any more."""

    model: str
    every_days: int
