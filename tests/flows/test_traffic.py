"""Walk: a serving process answers and refuses, the tick takes its reports in, and the API tells the figures."""

from datetime import timedelta

import httpx
import polars as pl
import pytest

from adapters.runtime import Runtime
from domain.deployments.specs import EndpointSettings
from tests.conftest import SteppingClock
from tests.domain.deployments.versions import ANN, add_versions
from tests.flows.plane import plane
from tests.serving.plants import ROW, regression_package, route
from workers.handlers.monitoring import take_traffic
from workers.toolbox import Toolbox

ROWS = pl.DataFrame([ROW] * 3)


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
    assert client.put("endpoints/bikes", json={"model": "m"}).status_code == 201
    one, two = (regression_package(runtime.models, number) for number in (1, 2))
    settings = EndpointSettings(visibility="public", requests_per_second=10_000, record_share=0.1)
    route(runtime.models, "bikes", 1, (1, one), (2, two), **settings.model_dump())


def test_every_request_is_told_of(client: httpx.Client, runtime: Runtime, tools: Toolbox, clock: SteppingClock) -> None:
    with plane(runtime) as serving:
        versions = [serving.predict("bikes", ROWS)["model_version"] for _ in range(40)]
    clock.ahead = timedelta(seconds=1)
    take_traffic(tools)
    found = client.get("endpoints/bikes/traffic").json()
    assert (found["processes"], found["together"]["total"]["requests"]) == (0, 40)  # it has left
    assert found["together"]["now"]["requests"] == 40
    told = {one["version"]: one["total"] for one in found["versions"]}
    assert {version: one["requests"] for version, one in told.items()} == {n: versions.count(n) for n in (1, 2)}
    assert all(one["rows"] == 3 * one["requests"] for one in told.values())
    assert all(0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"] < 1000 for one in told.values())
    assert list(runtime.models.list("traffic")) == []
    take_traffic(tools)
    assert client.get("endpoints/bikes/traffic").json()["together"]["total"]["requests"] == 40


def test_a_report_that_cannot_be_read_keeps_no_other_from_being_taken(
    client: httpx.Client, runtime: Runtime, tools: Toolbox
) -> None:
    with plane(runtime) as serving:
        serving.predict("bikes", ROWS)
    runtime.models.put("traffic/a/00000000.json", b"{")
    take_traffic(tools)
    assert client.get("endpoints/bikes/traffic").json()["together"]["total"]["requests"] == 1
    assert list(runtime.models.list("traffic")) == []
