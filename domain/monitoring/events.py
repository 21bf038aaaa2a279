"""What monitoring finds."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class MonitorChanged(Event):
    endpoint: str


@dataclass(frozen=True, kw_only=True)
class WindowClosed(Event):
    endpoint: str
    endpoint_id: str
    window_id: str
    verdict: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class DriftDetected(Event):
    endpoint: str
    window_id: str
    features: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class QualityDropped(Event):
    endpoint: str
    window_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DataBroken(Event):
    endpoint: str
    window_id: str
    columns: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class AlertOpened(Event):
    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged(Event):
    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class AlertResolved(Event):
    alert_id: str
    endpoint: str | None
    model: str | None = None
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetrainStarted(Event):
    endpoint: str
    pipeline: str
    run_id: str
    reason: str
    window_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RetrainRefused(Event):
    endpoint: str
    pipeline: str
    rule: str
    reason: str
    window_id: str | None = None
