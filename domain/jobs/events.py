"""What happens to jobs, for the audit trail and the live view."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class JobQueued(Event):
    job_id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class JobStarted(Event):
    job_id: str
    kind: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class JobSucceeded(Event):
    job_id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class JobRetried(Event):
    job_id: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobFailed(Event):
    job_id: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobCancelled(Event):
    job_id: str
    kind: str
    reason: str
