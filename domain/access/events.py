"""What happens to tokens."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class TokenCreated(Event):
    """Somebody was given a token."""

    owner: str
    role: str
    scopes: list[str]


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    """A token is refused from now on."""

    owner: str
