"""What happens to jobs, for the audit trail and the live view."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class JobQueued(Event):
    """Work was ordered."""

    job_id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class JobStarted(Event):
    """A worker took the job."""

    job_id: str
    kind: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class JobSucceeded(Event):
    """The job is done."""

    job_id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class JobRetried(Event):
    """An attempt failed and another one follows."""

    job_id: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobFailed(Event):
    """The job has failed for good."""

    job_id: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobCancelled(Event):
    """Somebody, or what the job was for, ended it."""

    job_id: str
    kind: str
    reason: str
