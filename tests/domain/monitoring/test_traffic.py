"""Reports of serving on a real database: counted once, added up over processes, let go in time."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from adapters.runtime import Runtime
from domain.deployments.queries import get_endpoint
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings, ErrorCount, TargetTraffic, TrafficReport
from domain.monitoring import traffic
from domain.monitoring.models import EndpointTraffic, TrafficSource
from domain.monitoring.rates import Slice
from tests.conftest import ON_BOTH_DATABASES, SteppingClock
from tests.domain.deployments.versions import ANN, add_versions

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60)
NOON = NOW - timedelta(seconds=NOW.timestamp() % 10)


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())


def report(
    number: int, *, instance: str = "a", late: float = 0.0, endpoint: str = "e", answered: int = 5, version: int = 1
) -> TrafficReport:
    """Of the ten seconds of this number after noon; it says so `late` seconds beside the clock."""
    began = NOON.timestamp() + 10 * number + late
    target = TargetTraffic(
        endpoint=endpoint,
        version=version,
        answered=answered,
        rows=2 * answered,
        latency={7: answered},
        errors=[ErrorCount(code="invalid", status=422, count=1)],
    )
    return TrafficReport(instance=instance, number=number, began_at=began, ended_at=began + 10, targets=[target])


def keep(runtime: Runtime, *reports: TrafficReport) -> None:
    with runtime.transaction() as session:
        traffic.keep(session, reports)


def slices(runtime: Runtime, *, since: datetime = NOON, until: datetime = NOON + timedelta(hours=1)) -> list[Slice]:
    with runtime.reading() as session:
        return traffic.between(session, get_endpoint(session, "e").id, since=since, until=until)


@ON_BOTH_DATABASES
class TestKeep:
    def test_adds_up_what_several_processes_say_of_the_same_seconds(self, runtime: Runtime) -> None:
        keep(runtime, report(0), report(0, instance="b", late=0.4), report(1))
        keep(runtime, report(0, instance="c", late=-0.4))
        first, second = slices(runtime)
        assert (first.at, first.answered, first.rows, first.latency) == (NOON, 15, 30, {"7": 15})
        assert first.errors == [ErrorCount(code="invalid", status=422, count=3)]
        assert (second.at, second.answered) == (NOON + timedelta(seconds=10), 5)

    def test_counts_a_report_once_however_often_it_is_read(self, runtime: Runtime) -> None:
        keep(runtime, report(0), report(1))
        keep(runtime, report(1), report(0), report(2))
        assert [one.answered for one in slices(runtime)] == [5, 5, 5]

    def test_goes_on_over_reports_that_were_lost(self, runtime: Runtime) -> None:
        keep(runtime, report(0), report(7))
        assert [one.answered for one in slices(runtime)] == [5, 5]

    def test_tells_versions_apart_and_leaves_unknown_endpoints_out(self, runtime: Runtime) -> None:
        keep(runtime, report(0, version=0), report(0, instance="b"), report(1, endpoint="gone"))
        assert [(one.version, one.answered) for one in slices(runtime)] == [(0, 5), (1, 5)]

    def test_a_span_holds_its_beginning_and_not_its_end(self, runtime: Runtime) -> None:
        keep(runtime, *(report(number) for number in range(4)))
        found = slices(runtime, since=NOON + timedelta(seconds=10), until=NOON + timedelta(seconds=30))
        assert [(one.at - NOON).total_seconds() for one in found] == [10, 20]


class TestCounted:
    def seen(self, runtime: Runtime, *, at: float) -> tuple[float | None, int]:
        with runtime.reading() as session:
            found = traffic.counted(session, NOON + timedelta(seconds=at))
        return (found.until - NOON).total_seconds() if found.until else None, found.processes

    def test_is_nothing_before_the_first_report(self, runtime: Runtime) -> None:
        assert self.seen(runtime, at=0) == (None, 0)

    def test_goes_as_far_as_the_process_that_is_furthest_behind(self, runtime: Runtime) -> None:
        keep(runtime, report(3), report(2, instance="b"))
        assert self.seen(runtime, at=42) == (30, 2)

    def test_does_not_wait_for_a_process_that_is_gone(self, runtime: Runtime) -> None:
        keep(runtime, report(0, instance="gone"), report(9))
        assert self.seen(runtime, at=102) == (100, 1)

    def test_does_not_wait_for_a_process_that_said_it_leaves(self, runtime: Runtime) -> None:
        keep(runtime, report(8, instance="gone").model_copy(update={"last": True}), report(9))
        assert self.seen(runtime, at=102) == (100, 1)

    def test_stays_where_it_was_when_all_are_gone(self, runtime: Runtime) -> None:
        keep(runtime, report(0, instance="gone"), report(9))
        assert self.seen(runtime, at=3600) == (100, 0)


class TestForget:
    def test_lets_go_of_what_is_older_than_a_week(self, runtime: Runtime, clock: SteppingClock) -> None:
        keep(runtime, report(0))
        for days, left in [(6.9, 1), (0.2, 0)]:
            clock.advance(days * 86_400)
            with runtime.transaction() as session:
                traffic.forget(session)
            with runtime.reading() as session:
                for table in (EndpointTraffic, TrafficSource):
                    assert session.scalar(select(func.count()).select_from(table)) == left
