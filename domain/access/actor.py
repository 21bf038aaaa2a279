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


# What the scopes and the roles are for, in the words that people read in the settings.
ALLOWS: dict[Scope, str] = {
    Scope.READ: "See everything: data, runs, models, decisions, jobs and the audit trail.",
    Scope.WRITE: "Change things and start work: upload, train, promote, roll out, pause, retrain.",
    Scope.PREDICT: "Ask endpoints for predictions.",
    Scope.APPROVE: "Approve or reject promotions that wait for a person.",
    Scope.ADMIN: "Manage tokens and webhooks, override gates, delete for good.",
}
MEANT_FOR: dict[Role, str] = {
    Role.VIEWER: "Looks, and changes nothing.",
    Role.DEVELOPER: "Works with data and models; others decide what goes live.",
    Role.APPROVER: "Decides what goes live, beside all that a developer does.",
    Role.ADMIN: "Runs the installation.",
}


@dataclass(frozen=True)
class Actor:
    """A person or a machine behind a token, or the platform itself."""

    name: str
    role: Role
    scopes: frozenset[Scope]


PLATFORM = Actor("millrace", Role.ADMIN, SCOPES[Role.ADMIN])
