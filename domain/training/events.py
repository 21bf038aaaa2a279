"""What happens to runs. The subject is `runs/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class RunCreated(Event):
    """A training was ordered."""

    experiment: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class TrainingForced(Event):
    """Somebody trains on a version that its checks rejected, for these reasons."""

    run_id: str
    dataset: str
    number: int
    reasons: list[str]


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """`model` is the model the run was asked to become a version of."""

    experiment: str
    run_id: str
    model: str | None
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class RunFailed(Event):
    """The training came to nothing."""

    experiment: str
    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunCancelled(Event):
    """The training was ended before it had a result."""

    experiment: str
    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ForeignCodeTrusted(Event):
    """An admin lets the code that an MLflow model carries run in the workers, and where it is served."""

    model: str
    mlflow: str
