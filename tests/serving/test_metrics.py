"""What was answered, as Prometheus reads it."""

import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from domain.errors import Invalid
from serving.metrics import ServingMetrics


class Strange(Invalid):
    code = "strange"


TARGET = {"endpoint": "bikes", "version": "1"}


@pytest.fixture
def metrics() -> ServingMetrics:
    return ServingMetrics(CollectorRegistry())


def value(metrics: ServingMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, {**TARGET, **labels})


class TestAnswered:
    def test_counts_requests_rows_and_seconds_in_their_buckets(self, metrics: ServingMetrics) -> None:
        meters = metrics.target("bikes", 1)
        for rows, seconds in [(1, 0.0001), (10, 0.0002), (1, 9.0)]:
            meters.answered(rows, seconds)
        assert value(metrics, "millrace_predict_requests_total", outcome="ok") == 3
        assert value(metrics, "millrace_predictions_total") == 12
        assert value(metrics, "millrace_predict_seconds_count") == 3
        assert value(metrics, "millrace_predict_seconds_sum") == pytest.approx(9.0003)
        buckets = [value(metrics, "millrace_predict_seconds_bucket", le=edge) for edge in ("0.0001", "0.00025", "5.0")]
        assert buckets == [1, 2, 2]
        assert value(metrics, "millrace_predict_seconds_bucket", le="+Inf") == 3

    def test_goes_on_when_a_version_comes_back(self, metrics: ServingMetrics) -> None:
        metrics.target("bikes", 1).answered(1, 0.1)
        metrics.target("bikes", 2).answered(1, 0.1)
        metrics.target("bikes", 1).answered(1, 0.1)
        assert value(metrics, "millrace_predict_requests_total", outcome="ok") == 2

    def test_stands_in_one_family_with_the_refused(self, metrics: ServingMetrics) -> None:
        metrics.target("bikes", 1).answered(1, 0.1)
        metrics.erred("bikes", 1, Strange("It is odd."))
        text = generate_latest(metrics.registry).decode()
        assert text.count("# TYPE millrace_predict_requests_total counter") == 1
        assert value(metrics, "millrace_predict_requests_total", outcome="strange") == 1

    def test_loses_none_to_other_threads(self, metrics: ServingMetrics) -> None:
        meters = metrics.target("bikes", 1)

        def load() -> None:
            for _ in range(5000):
                meters.answered(1, 0.1)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert meters.requests == meters.rows == sum(meters.buckets) == 20_000
