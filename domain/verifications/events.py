"""What verifications come to. The subject is `verifications/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class StoreVerified(Event):
    """Everything that was read is as it was stored."""

    verification_id: str
    scope: str | None
    bytes: int


@dataclass(frozen=True, kw_only=True)
class StoreDamageFound(Event):
    """Bytes are lost; `affected` names the first of the versions and files that they belonged to."""

    verification_id: str
    scope: str | None
    findings: int
    affected: list[str]
