"""What happens to pins. The subject is `models/{name}/pins/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class RowPinned(Event):
    """A mistake became a test that later versions must pass."""

    model: str
    pin_id: str
    note: str


@dataclass(frozen=True, kw_only=True)
class RowUnpinned(Event):
    """A person took the test back, for this reason."""

    model: str
    pin_id: str
    reason: str
