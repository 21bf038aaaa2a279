"""What happens to endpoints and rollouts."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class EndpointCreated(Event):
    """There is a new endpoint, which answers nothing yet."""

    endpoint: str
    model: str


@dataclass(frozen=True, kw_only=True)
class EndpointChanged(Event):
    """The endpoint has other settings."""

    endpoint: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class RolloutStarted(Event):
    """A version begins to take over the endpoint."""

    endpoint: str
    rollout_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class RolloutStepped(Event):
    """A step began: the candidate is given this share of the requests."""

    endpoint: str
    rollout_id: str
    version: int
    step: int
    share: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolloutPaused(Event):
    """The rollout waits for a person."""

    endpoint: str
    rollout_id: str
    version: int
    step: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolloutFinished(Event):
    """The endpoint answers with another version."""

    endpoint: str
    rollout_id: str
    version: int
    previous: int | None
    promotion_id: str | None


@dataclass(frozen=True, kw_only=True)
class RolloutAborted(Event):
    """Given up before the switch, by a person or on the evidence."""

    endpoint: str
    rollout_id: str
    version: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolledBack(Event):
    """The endpoint answers with the version before again."""

    endpoint: str
    from_version: int
    to_version: int
    reason: str
