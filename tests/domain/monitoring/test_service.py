"""Verbs of monitoring on a real database."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from adapters.runtime import Runtime
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.events.models import EventRow
from domain.jobs.models import Job
from domain.monitoring import service
from domain.monitoring.models import Alert, GroundTruth, MonitoringWindow
from domain.monitoring.queries import truth_of
from domain.monitoring.service import DuplicateTruth, UnfitMetric, UnfitTruth, WrongAlertState
from domain.monitoring.specs import DriftResult, GovernorPolicy, MonitorPolicy, PerformanceResult, TruthItem
from domain.monitoring.windows import WindowPlan
from domain.registry.queries import get_version
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions
from tests.domain.monitoring.results import drift, quality

QUIET, DRIFTED = drift(), drift(drifted=["temp"])


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    """Endpoint `e` with version 1 live."""
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())
    make_live(runtime, 1)


def make_live(runtime: Runtime, number: int) -> None:
    with runtime.transaction(ANN) as session:
        get_endpoint(session, "e").live_version_id = get_version(session, "m", number).id


def opened(runtime: Runtime, first: int, *segments: str) -> str | None:
    """The id of a window over these segments, if it was opened now."""
    plan = WindowPlan(segments or (f"s{first}",), f"{first:05}", f"{first + 99:05}", 100)
    with runtime.transaction() as session:
        service.open_windows(session, endpoint_id=get_endpoint(session, "e").id, plans=[plan])
    with runtime.reading() as session:
        query = select(MonitoringWindow.id).where(MonitoringWindow.first_id == plan.first_id)
        return session.scalar(query)


def close(
    runtime: Runtime, window_id: str, found: DriftResult, performance: PerformanceResult | None = None, number: int = 1
) -> None:
    with runtime.transaction() as session:
        service.close_window(
            session,
            window_id=window_id,
            version_id=get_version(session, "m", number).id,
            drift=found,
            performance=performance,
        )


class Windows:
    """Closes one window after the other."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._next = 0

    def close(self, found: DriftResult, performance: PerformanceResult | None = None, number: int = 1) -> str:
        self._next += 100
        window_id = opened(self._runtime, self._next)
        assert window_id is not None
        close(self._runtime, window_id, found, performance, number)
        return window_id


@pytest.fixture
def windows(runtime: Runtime) -> Windows:
    return Windows(runtime)


def alerts(runtime: Runtime) -> list[Alert]:
    with runtime.reading() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def told(runtime: Runtime) -> Counter[str]:
    with runtime.reading() as session:
        return Counter(session.scalars(select(EventRow.type)))


class TestOpenWindows:
    def test_a_window_and_its_job(self, runtime: Runtime) -> None:
        window_id = opened(runtime, 100)
        with runtime.reading() as session:
            job = session.scalars(select(Job).where(Job.kind == "ComputeWindow")).one()
        assert job.payload == {"window_id": window_id}

    def test_a_segment_belongs_to_one_window(self, runtime: Runtime) -> None:
        assert opened(runtime, 100, "a", "b") is not None
        assert opened(runtime, 90, "late", "b") is None
        assert opened(runtime, 91, "late") is not None

    @ON_BOTH_DATABASES
    def test_ticks_at_once_open_it_once(self, runtime: Runtime) -> None:
        start = Barrier(8)

        def tick(_: int) -> None:
            start.wait()
            opened(runtime, 100)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(tick, range(8)))
        with runtime.reading() as session:
            assert len(session.scalars(select(MonitoringWindow)).all()) == 1
            assert len(session.scalars(select(Job).where(Job.kind == "ComputeWindow")).all()) == 1


class TestCloseWindow:
    def test_tells_what_was_found_and_opens_an_alert_of_each_kind(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(drift(drifted=["temp"], broken=["hum"]), quality(40.0))
        assert {alert.kind for alert in alerts(runtime)} == {"drift", "broken_data", "quality"}
        found = told(runtime)
        assert (found["DriftDetected"], found["DataBroken"], found["QualityDropped"]) == (1, 1, 1)
        assert (found["WindowClosed"], found["AlertOpened"]) == (1, 3)

    def test_more_of_the_same_updates_the_alert(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(DRIFTED)
        last = windows.close(drift(drifted=["hum"]))
        (alert,) = alerts(runtime)
        assert (alert.occurrences, alert.window_id) == (2, last)
        assert "hum (PSI" in alert.reason
        assert told(runtime)["AlertOpened"] == 1

    def test_twice_with_nothing_new_changes_nothing(self, runtime: Runtime, windows: Windows) -> None:
        window_id = windows.close(DRIFTED)
        before = told(runtime)
        close(runtime, window_id, DRIFTED)
        assert told(runtime) == before
        assert alerts(runtime)[0].occurrences == 1

    def test_again_with_its_truth_tells_the_quality_alone(self, runtime: Runtime, windows: Windows) -> None:
        window_id = windows.close(DRIFTED)
        close(runtime, window_id, DRIFTED, quality(40.0))
        found = told(runtime)
        assert (found["DriftDetected"], found["QualityDropped"], found["WindowClosed"]) == (1, 1, 2)
        assert {alert.kind: alert.occurrences for alert in alerts(runtime)} == {"drift": 1, "quality": 1}

    def test_again_with_good_quality_asks_nobody_twice(self, runtime: Runtime, windows: Windows) -> None:
        window_id = windows.close(DRIFTED)
        close(runtime, window_id, DRIFTED, quality(20.0))
        assert told(runtime)["WindowClosed"] == 1
        with runtime.reading() as session:
            assert (session.get_one(MonitoringWindow, window_id).performance or {})["value"] == 20.0

    def test_a_third_time_changes_nothing(self, runtime: Runtime, windows: Windows) -> None:
        window_id = windows.close(DRIFTED, quality(40.0))
        close(runtime, window_id, QUIET, quality(20.0))
        with runtime.reading() as session:
            assert session.get_one(MonitoringWindow, window_id).verdict == "degraded"


class TestAlerts:
    def test_resolve_by_themselves_after_as_many_quiet_windows_as_the_governor_sees(
        self, runtime: Runtime, windows: Windows
    ) -> None:
        windows.close(DRIFTED)
        for _ in range(2):
            windows.close(QUIET)
        assert alerts(runtime)[0].state == "open"
        windows.close(QUIET)
        (alert,) = alerts(runtime)
        assert (alert.state, alert.resolved_by) == ("resolved", "millrace")
        assert told(runtime)["AlertResolved"] == 1

    def test_after_a_switch_the_windows_of_the_new_version_count(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(QUIET, quality(40.0))
        make_live(runtime, 2)
        for _ in range(3):
            windows.close(QUIET, quality(20.0), number=1)
        assert alerts(runtime)[0].state == "open"
        for _ in range(3):
            windows.close(DRIFTED, quality(20.0), number=2)
        assert {alert.kind: alert.state for alert in alerts(runtime)} == {"quality": "resolved", "drift": "open"}

    def test_windows_without_truth_do_not_end_a_quality_alert(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(QUIET, quality(40.0))
        for _ in range(5):
            windows.close(QUIET)
        assert alerts(runtime)[0].state == "open"

    def test_the_next_finding_after_a_resolution_is_a_new_alert(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(DRIFTED)
        with runtime.transaction(ANN) as session:
            service.resolve(session, alert_id=alerts(runtime)[0].id, reason="known")
        windows.close(DRIFTED)
        assert [alert.state for alert in alerts(runtime)] == ["resolved", "open"]

    def test_acknowledged_ones_are_updated_and_stay_so(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(DRIFTED)
        with runtime.transaction(ANN) as session:
            service.acknowledge(session, alert_id=alerts(runtime)[0].id)
        windows.close(DRIFTED)
        (alert,) = alerts(runtime)
        assert (alert.state, alert.acknowledged_by, alert.occurrences) == ("acknowledged", "ann", 2)

    def test_cannot_be_acknowledged_once_resolved(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(DRIFTED)
        alert_id = alerts(runtime)[0].id
        with runtime.transaction(ANN) as session:
            service.resolve(session, alert_id=alert_id, reason="")
        for verb in (service.acknowledge, lambda given, alert_id: service.resolve(given, alert_id=alert_id, reason="")):
            with pytest.raises(WrongAlertState), runtime.transaction(ANN) as session:
                verb(session, alert_id=alert_id)


class TestTruth:
    def tell(self, runtime: Runtime, *items: tuple[str, object]) -> int:
        with runtime.transaction(ANN) as session:
            given = [TruthItem.model_validate({"id": key, "value": value}) for key, value in items]
            return service.add_truth(session, endpoint="e", items=given)

    def test_a_later_value_replaces(self, runtime: Runtime) -> None:
        assert self.tell(runtime, ("a", 1), ("b", 2.5)) == 2
        assert self.tell(runtime, ("a", 7), ("c", 3)) == 1
        with runtime.reading() as session:
            assert truth_of(session, "e", ["a", "b", "c", "d"]) == {"a": 7, "b": 2.5, "c": 3}

    def test_refuses_an_id_twice_and_keeps_none(self, runtime: Runtime) -> None:
        with pytest.raises(DuplicateTruth) as refusal:
            self.tell(runtime, ("a", 1), ("b", 1), ("a", 2))
        assert refusal.value.where == "items.2.id"
        with runtime.reading() as session:
            assert session.scalars(select(GroundTruth)).all() == []

    @pytest.mark.parametrize("value", ["many", True])
    def test_refuses_what_is_no_number_for_a_regression(self, runtime: Runtime, value: object) -> None:
        with pytest.raises(UnfitTruth) as refusal:
            self.tell(runtime, ("a", 1), ("b", value))
        assert refusal.value.where == "items.1.value"


class TestPolicies:
    def test_refuses_a_metric_that_the_model_does_not_have(self, runtime: Runtime) -> None:
        policy = MonitorPolicy(metric="accuracy")
        with pytest.raises(UnfitMetric, match="no metric 'accuracy'"), runtime.transaction(ANN) as session:
            service.set_policies(session, endpoint="e", policy=policy, governor=GovernorPolicy())

    def test_an_endpoint_without_them_has_the_defaults(self, runtime: Runtime, windows: Windows) -> None:
        windows.close(DRIFTED)
        with runtime.reading() as session:
            assert session.scalars(select(Endpoint)).one().name == "e"
        assert told(runtime)["WindowClosed"] == 1
