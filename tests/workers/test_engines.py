"""Which engine checks a version, through the real doors."""

import shutil
from dataclasses import replace

import httpx
import polars as pl
import pytest

from adapters import spark
from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.jobs.states import JobState
from ml.engines import IN_MEMORY, STREAMING, Engine
from tests.conftest import Drain
from workers.engines import engine_for
from workers.toolbox import Toolbox

TABLE = pl.LazyFrame({"age": [31, 45]})
SUITE = [
    {"check": "in_range", "column": "age", "min": 40},
    {"check": "expression", "where": "age < 40 OR city = 'Oslo'"},
]


@pytest.fixture
def limit() -> int:
    return 10


@pytest.fixture
def settings(settings: Settings, limit: int) -> Settings:
    return settings.model_copy(update={"memory_limit_bytes": limit, "spark_url": "local[2]"})


class TestEngineFor:
    @pytest.mark.parametrize(("limit", "engine"), [(16, IN_MEMORY), (15, STREAMING)])
    def test_a_table_larger_than_the_limit_streams(self, tools: Toolbox, engine: Engine) -> None:
        assert engine_for(tools, "auto", TABLE) == engine

    def test_a_suite_may_insist(self, tools: Toolbox) -> None:
        assert engine_for(tools, "polars", TABLE) == IN_MEMORY
        assert engine_for(tools, "spark", TABLE) == spark.Spark("local[2]", tools.scratch)


def checked(
    client: httpx.Client, drain: Drain, suite: dict[str, object]
) -> tuple[set[JobState], dict[str, list[object]]]:
    """How the jobs ended, and of each check of an uploaded table the verdict, the value and the failing rows."""
    assert client.post("datasets", json={"name": "people"}).status_code == 201
    assert client.put("datasets/people/check-suite", json=suite).status_code == 200
    client.post("datasets/people/versions", files=[("files", ("people.csv", b"age,city\n31,Rome\n45,Oslo\n"))])
    states = {job.state for job in drain()}
    answer = client.get("datasets/people/versions/1/checks")
    results = answer.json()["results"] if answer.is_success else []
    return states, {
        result["check"]: [result["verdict"], result["value"], result["failing_rows"], result["message"]]
        for result in results
    }


class TestAVersionIsChecked:
    def test_piece_by_piece_above_the_limit(self, client: httpx.Client, drain: Drain) -> None:
        states, results = checked(client, drain, {"checks": SUITE})
        assert states == {JobState.SUCCEEDED}
        assert results["readable"][3] == "2 rows read, 2 columns; checked by Polars, streaming."
        assert results["in_range"][:3] == ["fail", 1, [{"age": 31, "city": "Rome", "row": 0}]]
        assert results["expression"][:3] == ["pass", 0, []]

    @pytest.mark.spark
    @pytest.mark.slow
    @pytest.mark.timeout(900)
    @pytest.mark.skipif(not spark.INSTALLED, reason="PySpark is not installed")
    @pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java, which Spark runs on")
    def test_on_spark_when_the_suite_says_so(self, client: httpx.Client, drain: Drain) -> None:
        states, results = checked(client, drain, {"engine": "spark", "checks": SUITE})
        assert states == {JobState.SUCCEEDED}
        assert results["readable"][3] == "2 rows read, 2 columns; checked by Spark."
        assert results["in_range"][:3] == ["fail", 1, [{"age": 31, "city": "Rome", "row": 0}]]
        assert results["expression"][:3] == ["pass", 0, []]


class TestWithoutSpark:
    @pytest.fixture
    def runtime(self, runtime: Runtime) -> Runtime:
        return replace(runtime, settings=runtime.settings.model_copy(update={"spark_url": "lokal"}))

    def test_the_version_is_rejected_with_the_reason_until_a_later_check_speaks(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        states, results = checked(client, drain, {"engine": "spark", "checks": SUITE})
        assert (JobState.FAILED in states, results) == (True, {})
        version = client.get("datasets/people/versions/1").json()
        assert version["state"] == "rejected"
        assert version["reasons"] == ["It could not be checked: 'lokal' is no Spark master."]
        client.put("datasets/people/check-suite", json={"checks": SUITE[1:]})
        assert client.post("datasets/people/versions/1/checks").status_code == 202
        drain()
        assert client.get("datasets/people/versions/1").json()["state"] == "validated"
