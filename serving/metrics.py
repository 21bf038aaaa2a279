"""Prometheus metrics of the data plane, on a registry that is passed in."""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_TARGET = ("endpoint", "version")


class TargetMeters:
    """What one version of one endpoint answered.

    Counted in plain numbers, which become metrics when somebody asks: the counters and histograms of the client
    library were a tenth of a small request.
    """

    __slots__ = ("_lock", "buckets", "requests", "rows", "seconds")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.rows = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(_SECONDS) + 1)

    def answered(self, rows: int, seconds: float) -> None:
        with self._lock:
            self.requests += 1
            self.rows += rows
            self.seconds += seconds
            self.buckets[bisect_left(_SECONDS, seconds)] += 1


class ServingMetrics(Collector):
    """Counters by endpoint and version; the recorder's by itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._targets: dict[tuple[str, str], TargetMeters] = {}
        self._lock = threading.Lock()
        # What was answered is counted in `TargetMeters`, and joins these when they are collected.
        self.requests = Counter(
            "millrace_predict_requests", "Prediction requests by outcome (ok, or an error code).",
            [*_TARGET, "outcome"], registry=None,
        )  # fmt: skip
        registry.register(self)
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
        """The meters of a version at an endpoint, the same ones however often it goes live."""
        with self._lock:
            return self._targets.setdefault((endpoint, str(version)), TargetMeters())

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            targets = list(self._targets.items())
        rows = CounterMetricFamily("millrace_predictions", "Rows predicted.", labels=_TARGET)
        latency = HistogramMetricFamily(
            "millrace_predict_seconds", "From the body's last byte to the answer, seconds.", labels=_TARGET
        )
        (requests,) = self.requests.collect()
        for labels, meters in targets:
            counts = accumulate(meters.buckets)
            edges = [*map(str, _SECONDS), "+Inf"]
            rows.add_metric(labels, meters.rows)
            latency.add_metric(labels, list(zip(edges, counts, strict=True)), meters.seconds)
            named = dict(zip(_TARGET, labels, strict=True))
            requests.add_sample("millrace_predict_requests_total", {**named, "outcome": "ok"}, meters.requests)
        yield from (requests, rows, latency)
