"""What serving tells the store of its requests: all of them, once each, whatever is recorded."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from prometheus_client import CollectorRegistry

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import StoreForbidden
from domain.deployments.specs import SCRAPED_EDGES, TRAFFIC_EDGES, TrafficReport
from domain.errors import Invalid
from serving.app import ServingApp
from serving.errors import Disconnected, TooBusy
from serving.metrics import ServingMetrics
from serving.traffic import TrafficReports
from tests.serving.conftest import Client, Serve
from tests.serving.plants import ROW, MovableStore, eventually, regression_package, route


def reports_of(store: LocalStore) -> list[TrafficReport]:
    """In the order of their writing, process by process."""
    keys = sorted(info.key for info in store.list("traffic"))
    return [TrafficReport.model_validate_json(store.get(key)) for key in keys]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metrics() -> ServingMetrics:
    return ServingMetrics(CollectorRegistry())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports(store: MovableStore, metrics: ServingMetrics, clock: Clock) -> Iterator[TrafficReports]:
    """Reports when it is told to."""
    told = TrafficReports(store, metrics, seconds=3600, clock=clock)
    told.start()
    yield told
    store.away = False
    told.stop()


class TestReport:
    def test_holds_what_came_since_the_last_one(
        self, store: MovableStore, metrics: ServingMetrics, reports: TrafficReports, clock: Clock
    ) -> None:
        metrics.target("bikes", 1).answered(3, 0.001)
        metrics.target("bikes", 1).answered(1, 9.0)
        clock.now += 10
        reports.report()
        metrics.target("bikes", 1).answered(1, 0.001)
        metrics.target("bikes", 2).answered(1, 0.001)
        clock.now += 10
        reports.report()
        first, second = reports_of(store)
        assert [(one.began_at, one.ended_at) for one in (first, second)] == [(1000.0, 1010.0), (1010.0, 1020.0)]
        (target,) = first.targets
        assert (target.endpoint, target.version, target.answered, target.rows) == ("bikes", 1, 2, 4)
        assert {TRAFFIC_EDGES[place] >= 0.001 for place in target.latency} == {True}
        assert sum(target.latency.values()) == 2
        assert {one.version: one.answered for one in second.targets} == {1: 1, 2: 1}

    def test_holds_errors_with_their_status_and_those_without_a_version(
        self, store: MovableStore, metrics: ServingMetrics, reports: TrafficReports
    ) -> None:
        metrics.erred("bikes", None, TooBusy("No."))
        for error in (Invalid("No."), Invalid("No."), RuntimeError("No."), Disconnected()):
            metrics.erred("bikes", 1, error)
        reports.report()
        found = {one.version: {(e.code, e.status): e.count for e in one.errors} for one in reports_of(store)[0].targets}
        assert found == {
            0: {("too_busy", 429): 1},
            1: {("invalid", 422): 2, ("unexpected", 500): 1, ("disconnected", 499): 1},
        }

    def test_without_requests_says_that_the_process_is_there(
        self, store: MovableStore, reports: TrafficReports
    ) -> None:
        reports.report()
        reports.report()
        reports.stop()
        told = [(one.number, one.last, one.targets) for one in reports_of(store)]
        assert told == [(0, False, []), (1, False, []), (2, True, [])]

    @pytest.mark.parametrize("refusal", [None, StoreForbidden])
    def test_waits_while_the_store_is_away(
        self,
        store: MovableStore,
        metrics: ServingMetrics,
        reports: TrafficReports,
        refusal: type[StoreForbidden] | None,
    ) -> None:
        store.away, store.refusal = True, refusal or store.refusal
        for _ in range(3):
            metrics.target("bikes", 1).answered(1, 0.001)
            reports.report()
        store.away = False
        assert reports_of(store) == []
        reports.report()
        assert [(one.number, sum(each.answered for each in one.targets)) for one in reports_of(store)] == [
            (0, 1), (1, 1), (2, 1), (3, 0)
        ]  # fmt: skip

    def test_of_a_process_that_starts_again_has_another_name(
        self, store: MovableStore, metrics: ServingMetrics
    ) -> None:
        names = {TrafficReports(store, metrics, seconds=10.0).instance for _ in range(3)}
        assert len(names) == 3


def test_the_edges_of_prometheus_are_among_the_finer_ones() -> None:
    assert set(SCRAPED_EDGES) < set(TRAFFIC_EDGES)
    steps = [high / low for low, high in pairwise(TRAFFIC_EDGES)]
    assert min(steps) > 1.1
    assert max(steps) < 1.2 + 1e-9


class TestCountsEveryRequest:
    @pytest.fixture
    def app(self, store: LocalStore, tmp_path: Path, app: ServingApp) -> ServingApp:
        app.traffic = TrafficReports(store, app.metrics, seconds=0.05)
        return app

    @pytest.mark.parametrize("settings", [{"record_share": 0.1}, {"record": False}])
    def test_recorded_or_not(self, store: MovableStore, bikes: str, serve: Serve, settings: dict[str, Any]) -> None:
        two = regression_package(store, 2)
        route(store, "bikes", 2, (1, bikes), (2, two), **settings)
        with serve() as client:
            versions = Counter(self.ask(client).headers["x-model-version"] for _ in range(60))
            bad = client.post("/serve/bikes/predict", json={"instances": [{"hour": "x"}]})
            stranger = client.post("/serve/bikes/predict", json={"instances": [ROW]}, headers={"Authorization": ""})
            other = client.post("/v2/models/bikes/versions/9/infer", json={})
            unknown = client.post("/serve/nobody/predict", json={"instances": [ROW]})
            eventually(lambda: self.answered(store) == 60)
        assert [one.status_code for one in (bad, stranger, other, unknown)] == [422, 401, 404, 404]
        counted: Counter[str] = Counter()
        errors: Counter[int] = Counter()
        for target in (target for report in reports_of(store) for target in report.targets):
            assert target.endpoint == "bikes"
            counted[str(target.version)] += target.answered
            errors.update({one.status: one.count for one in target.errors})
        assert {version: count for version, count in counted.items() if count} == versions
        assert errors == {422: 1, 401: 1, 404: 1}

    def ask(self, client: Client) -> Response:
        return client.post("/serve/bikes/predict", json={"instances": [ROW]})

    def answered(self, store: MovableStore) -> int:
        return sum(target.answered for report in reports_of(store) for target in report.targets)
