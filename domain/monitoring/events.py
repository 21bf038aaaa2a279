"""What monitoring finds."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class MonitorChanged(Event):
    """The endpoint is watched by other rules from now on."""

    endpoint: str


@dataclass(frozen=True, kw_only=True)
class WindowClosed(Event):
    """A span of predictions was compared with what the version was trained on."""

    endpoint: str
    endpoint_id: str
    window_id: str
    verdict: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class DriftDetected(Event):
    """The inputs or the answers of an endpoint are no longer what they were."""

    endpoint: str
    window_id: str
    features: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class QualityDropped(Event):
    """By the ground truth, the endpoint answers worse than it did."""

    endpoint: str
    window_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DataBroken(Event):
    """The inputs are broken, which is no drift: nothing is retrained on them."""

    endpoint: str
    window_id: str
    columns: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class AlertOpened(Event):
    """Something is wrong and wants a person."""

    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged(Event):
    """Somebody has taken the alert on."""

    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class AlertResolved(Event):
    """The alert is over."""

    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetrainStarted(Event):
    """The governor let a retrain start."""

    endpoint: str
    pipeline: str
    run_id: str
    reason: str
    window_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RetrainRefused(Event):
    """The governor held a retrain back, by the rule it names."""

    endpoint: str
    pipeline: str
    rule: str
    reason: str
    window_id: str | None = None
