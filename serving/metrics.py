"""Prometheus metrics of the data plane, on a registry that is passed in."""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from domain.deployments.specs import SCRAPED_EDGES, TRAFFIC_EDGES
from serving.errors import code_of, status_of

# Where the edges that Prometheus is told stand among the finer ones, by which requests are counted.
_SCRAPED: Final = [TRAFFIC_EDGES.index(edge) for edge in SCRAPED_EDGES]
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
        self.buckets = [0] * (len(TRAFFIC_EDGES) + 1)

    def answered(self, rows: int, seconds: float) -> None:
        with self._lock:
            self.requests += 1
            self.rows += rows
            self.seconds += seconds
            self.buckets[bisect_left(TRAFFIC_EDGES, seconds)] += 1


@dataclass(slots=True)
class Counted:
    """What one version of one endpoint has done since the process began. `errors` by code, with their status."""

    answered: int = 0
    rows: int = 0
    buckets: list[int] = field(default_factory=list)
    errors: dict[str, tuple[int, int]] = field(default_factory=dict)


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
        self._statuses: dict[str, int] = {}
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

    def erred(self, endpoint: str, version: int | None, error: Exception) -> None:
        """A request that was answered by an error; without a version when none was drawn for it yet."""
        code = code_of(error)
        self._statuses[code] = status_of(error)
        self.requests.labels(endpoint, "" if version is None else str(version), code).inc()

    def counted(self) -> dict[tuple[str, int], Counted]:
        """By endpoint and version, 0 where none was drawn."""
        with self._lock:
            targets = list(self._targets.items())
        found = {
            (endpoint, int(version)): Counted(meters.requests, meters.rows, list(meters.buckets))
            for (endpoint, version), meters in targets
        }
        (requests,) = self.requests.collect()
        for sample in requests.samples:
            if sample.name.endswith("_total"):
                code = sample.labels["outcome"]
                key = sample.labels["endpoint"], int(sample.labels["version"] or 0)
                found.setdefault(key, Counted()).errors[code] = (self._statuses.get(code, 500), int(sample.value))
        return found

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            targets = list(self._targets.items())
        rows = CounterMetricFamily("millrace_predictions", "Rows predicted.", labels=_TARGET)
        latency = HistogramMetricFamily(
            "millrace_predict_seconds", "From the body's last byte to the answer, seconds.", labels=_TARGET
        )
        (requests,) = self.requests.collect()
        for labels, meters in targets:
            below = list(accumulate(meters.buckets))
            counts = [*(below[place] for place in _SCRAPED), below[-1]]
            edges = [*map(str, SCRAPED_EDGES), "+Inf"]
            rows.add_metric(labels, meters.rows)
            latency.add_metric(labels, list(zip(edges, counts, strict=True)), meters.seconds)
            named = dict(zip(_TARGET, labels, strict=True))
            requests.add_sample("millrace_predict_requests_total", {**named, "outcome": "ok"}, meters.requests)
        yield from (requests, rows, latency)
