"""Spark finds what Polars finds, on real data; and says what is missing where it cannot run."""

import shutil
import socket
from pathlib import Path
from threading import Event

import narwhals as nw
import polars as pl
import pytest

from adapters import spark
from adapters.spark import BadSparkUrl, NoSpark, Spark, SparkAway
from domain.data_checks.specs import CheckSuite
from ml.engines import IN_MEMORY, Uncomputable
from tests.ml.data.engine_suites import bikes, differences, found

TABLE = pl.LazyFrame({"x": [1, 2, 3]})
ON_SPARK = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not spark.INSTALLED, reason="PySpark is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java, which Spark runs on"),
]


class TestOnSpark:
    """One Java machine for all of them: it lives as long as the process."""

    pytestmark = ON_SPARK

    def test_finds_what_polars_finds(self, tmp_path: Path) -> None:
        table, before = bikes()
        ours, theirs = found(IN_MEMORY, table, before), found(Spark("local[2]", tmp_path), table, before)
        assert differences(ours, theirs) == []
        assert list(tmp_path.iterdir()) == []

    def test_a_query_that_spark_refuses_gives_its_reason(self, tmp_path: Path) -> None:
        suite = CheckSuite.model_validate({"checks": [{"check": "row_count", "min": 3}]})
        assert found(Spark("local[2]", tmp_path), TABLE, TABLE, suite)["checks"][0]["value"] == 3
        text = nw.lit("y")
        with Spark("local[2]", tmp_path).open(TABLE) as rows:
            with pytest.raises(Uncomputable, match="CAST_INVALID_INPUT"):
                rows.measure({"while running": nw.concat_str([rows.column("x"), text]).cast(nw.Int64).sum()})
            with pytest.raises(Uncomputable, match="DATATYPE_MISMATCH"):
                rows.measure({"while planning": (rows.column("x").cast(nw.String) + text).max()})


@pytest.mark.parametrize("url", ["", "lokal[2]", "spark://host", "http://host:7077", "local[2]; rm"])
def test_refuses_what_is_no_master(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSparkUrl) as refused, Spark(url, tmp_path).open(TABLE):
        pass
    assert "spark://host:7077" in (refused.value.fix or "")


def test_a_master_that_nobody_listens_at_is_away_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SparkAway, match="nobody answers"), Spark(f"spark://127.0.0.1:{port}", tmp_path).open(TABLE):
        pass


def test_says_that_java_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(NoSpark, match="no Java") as refused, Spark("local[7]", tmp_path).open(TABLE):
        pass
    assert "engine: auto" in (refused.value.fix or "")


def test_a_start_that_never_ends_is_given_up() -> None:
    never = Event()
    with pytest.raises(SparkAway, match=r"no answer within 0\.05 seconds"):
        spark._bounded(lambda: never.wait(5), "yarn", seconds=0.05)  # type: ignore[arg-type, return-value]
    never.set()


def test_a_start_that_fails_says_why() -> None:
    def start() -> None:
        raise RuntimeError("JAVA_GATEWAY_EXITED\nand more")

    with pytest.raises(SparkAway, match=r"cannot be used: JAVA_GATEWAY_EXITED\."):
        spark._bounded(start, "yarn")  # type: ignore[arg-type]
