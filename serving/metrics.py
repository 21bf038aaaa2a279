"""Prometheus metrics of the data plane, on a registry that is passed in."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class TargetMeters:
    """The metrics of one version of one endpoint, looked up once when it goes live and not per request."""

    ok: Counter
    predictions: Counter
    latency: Histogram


_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class ServingMetrics:
    """Counters by endpoint and version; the recorder's by itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "millrace_predict_requests", "Prediction requests by outcome (ok, or an error code).",
            ["endpoint", "version", "outcome"], registry=registry,
        )  # fmt: skip
        self.predictions = Counter(
            "millrace_predictions", "Rows predicted.", ["endpoint", "version"], registry=registry
        )
        self.latency = Histogram(
            "millrace_predict_seconds", "From the body's last byte to the answer, seconds.",
            ["endpoint", "version"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.recorded = Counter("millrace_recorder_rows", "Prediction rows written to the store.", registry=registry)
        self.dropped = Counter(
            "millrace_recorder_dropped_rows", "Prediction rows lost: memory full.", registry=registry
        )
        self.waiting = Gauge(
            "millrace_recorder_waiting_rows", "Prediction rows not yet in the store.", registry=registry
        )
        self.revision = Gauge(
            "millrace_routes_revision", "Revision of the routes in use.", ["endpoint"], registry=registry
        )

    def target(self, endpoint: str, version: int) -> TargetMeters:
        labels = (endpoint, str(version))
        return TargetMeters(
            self.requests.labels(*labels, "ok"), self.predictions.labels(*labels), self.latency.labels(*labels)
        )
