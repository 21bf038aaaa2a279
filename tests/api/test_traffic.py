"""Traffic of an endpoint over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.deployments.queries import get_endpoint
from domain.deployments.specs import ErrorCount, TargetTraffic, TrafficReport
from domain.monitoring import traffic
from domain.registry.queries import get_version
from tests.api.answers import refused
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions, decide, request

LAST = datetime.min.replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def _reported_just_now() -> None:
    """The end of the newest report, of the time of the test: it may begin long after this file was read."""
    global LAST  # noqa: PLW0603 - the clock of this file
    LAST = datetime.fromtimestamp(datetime.now(UTC).timestamp() // 10 * 10, UTC)


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 3)
    assert client.put("endpoints/e", json={"model": "m"}).status_code == 201
    with runtime.transaction(ANN) as session:
        get_endpoint(session, "e").live_version_id = get_version(session, "m", 1).id
        promotion_id = request(session, 2)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)  # and so a rollout begins


def report(runtime: Runtime, ago: int, *targets: TargetTraffic, instance: str = "a") -> None:
    """What a process did in ten seconds that ended so many before the last whole ones."""
    ends = LAST.timestamp() - ago
    told = TrafficReport(
        instance=instance, number=int(ends / 10), began_at=ends - 10, ended_at=ends, targets=list(targets)
    )
    with runtime.transaction() as session:
        traffic.keep(session, [told])


def did(version: int, answered: int, *errors: tuple[str, int, int], place: int = 20) -> TargetTraffic:
    return TargetTraffic(
        endpoint="e",
        version=version,
        answered=answered,
        rows=answered,
        latency={place: answered},
        errors=[ErrorCount(code=code, status=status, count=count) for code, status, count in errors],
    )


@ON_BOTH_DATABASES
class TestTraffic:
    def test_tells_rates_latencies_and_errors_of_each_version(self, client: httpx.Client, runtime: Runtime) -> None:
        report(runtime, 600, did(3, 50))
        report(runtime, 40, did(1, 200, ("invalid", 422, 4)), did(0, 0, ("too_busy", 429, 6)))
        report(runtime, 0, did(1, 60), did(2, 30, ("model_failed", 503, 2), place=40))
        found = client.get("endpoints/e/traffic").json()
        assert (found["as_of"], found["processes"]) == (f"{LAST:%Y-%m-%dT%H:%M:%SZ}", 1)
        one, two, three, none = (self.of(found, version) for version in (1, 2, 3, None))
        assert [each["version"] for each in found["versions"]] == [3, 2, 1, None]
        assert (one["colour"], one["role"], one["share"]) == ("blue", "live", 1.0)
        assert (two["colour"], two["role"]) == ("green", "standby")
        assert (three["colour"], three["role"], three["total"]["requests"]) == (None, None, 50)
        assert one["now"]["requests_per_second"] == 2.0
        assert two["now"]["failed"] == 2
        assert two["now"]["p50_ms"] > 10 * one["now"]["p50_ms"]
        assert (one["total"]["requests"], one["total"]["refused"]) == (264, 4)
        assert (none["total"]["requests"], none["total"]["limited"], none["total"]["p99_ms"]) == (6, 6, None)
        assert found["together"]["total"]["requests"] == 352
        assert found["together"]["errors"] == [
            {"code": "too_busy", "status": 429, "count": 6},
            {"code": "invalid", "status": 422, "count": 4},
            {"code": "model_failed", "status": 503, "count": 2},
        ]

    def test_is_a_series_of_buckets_with_nothing_left_out(self, client: httpx.Client, runtime: Runtime) -> None:
        for ago in (50, 30, 0):
            report(runtime, ago, did(1, 20))
        since = LAST - timedelta(seconds=60)
        found = client.get("endpoints/e/traffic", params={"since": f"{since:%FT%TZ}", "bucket_seconds": 20}).json()
        points = found["together"]["points"]
        assert (found["since"], found["bucket_seconds"]) == (points[0]["at"], 20)
        assert sum(point["requests"] for point in points) == 60
        assert sum(point["seconds"] for point in points) == (LAST - datetime.fromisoformat(found["since"])).seconds
        ats = [datetime.fromisoformat(point["at"]) for point in points]
        assert ats == [ats[0] + timedelta(seconds=20 * place) for place in range(len(ats))]

    def of(self, found: dict[str, Any], version: int | None) -> dict[str, Any]:
        return next(one for one in found["versions"] if one["version"] == version)


class TestWithoutReports:
    def test_versions_that_are_routed_to_are_there(self, client: httpx.Client) -> None:
        found = client.get("endpoints/e/traffic").json()
        assert (found["as_of"], found["processes"]) == (None, 0)
        assert len(found["together"]["points"]) in {120, 121}
        assert [(one["version"], one["total"]["requests"]) for one in found["versions"]] == [(2, 0), (1, 0)]
        assert found["together"]["now"]["p50_ms"] is None

    def test_old_counts_do_not_pass_for_new_ones(self, client: httpx.Client, runtime: Runtime) -> None:
        report(runtime, 7200, did(1, 60))
        found = client.get("endpoints/e/traffic").json()
        assert datetime.fromisoformat(found["as_of"]) == LAST - timedelta(hours=2)
        assert (found["processes"], found["together"]["total"]["requests"]) == (0, 0)


class TestRefuses:
    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"bucket_seconds": 15}, "uneven_buckets"),
            ({"bucket_seconds": 5}, "invalid_request"),
            ({"bucket_seconds": 10, "since": "2026-01-01T00:00:00Z"}, "too_many_buckets"),
            ({"since": "2999-01-01T00:00:00Z"}, "empty_span"),
            ({"since": "9999-12-31T23:59:59-23:59"}, "empty_span"),
            ({"since": "0001-01-01T00:00:00+23:59", "bucket_seconds": 10}, "too_many_buckets"),
            ({"since": "2026-01-01T00:00:00"}, "invalid_request"),
            ({"since": "yesterday"}, "invalid_request"),
        ],
    )
    def test_spans_and_buckets_that_make_no_sense(
        self, client: httpx.Client, params: dict[str, Any], code: str
    ) -> None:
        refused(client.get("endpoints/e/traffic", params=params), 422, code)

    def test_an_endpoint_that_is_not_there(self, client: httpx.Client) -> None:
        refused(client.get("endpoints/none/traffic"), 404, "unknown_endpoint")
