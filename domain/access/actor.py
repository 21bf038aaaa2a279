"""`Actor`: who is asking, with which scopes. Roles are named sets of scopes."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """`read` sees, `write` changes and starts work, `predict` asks, `approve` decides promotions, `admin` all else."""

    READ = "read"
    WRITE = "write"
    PREDICT = "predict"
    APPROVE = "approve"
    ADMIN = "admin"


class Role(StrEnum):
    VIEWER = "viewer"
    DEVELOPER = "developer"
    APPROVER = "approver"
    ADMIN = "admin"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.DEVELOPER: frozenset({Scope.READ, Scope.WRITE, Scope.PREDICT}),
    Role.APPROVER: frozenset({Scope.READ, Scope.WRITE, Scope.PREDICT, Scope.APPROVE}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True)
class Actor:
    """A person or a machine behind a token, or the platform itself."""

    name: str
    role: Role
    scopes: frozenset[Scope]


PLATFORM = Actor("millrace", Role.ADMIN, SCOPES[Role.ADMIN])
