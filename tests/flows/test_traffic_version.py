"""Recorded predictions and their ground truth become a dataset version."""

from typing import Any

import httpx
import orjson
import polars as pl
import pytest

from adapters.runtime import Runtime
from domain.datasets.specs import ColumnType
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.monitoring.service import add_truth
from domain.monitoring.specs import TruthItem
from domain.registry.service import create_model
from domain.registry.specs import InputColumn, Signature
from serving.segments import Recorded, segment_files
from tests.conftest import Drain


def record(runtime: Runtime, first: int, rows: list[dict[str, Any]], **columns: ColumnType) -> None:
    """A segment as serving writes it; ids count up from `first`."""
    inputs = [InputColumn(name=name, type=kind) for name, kind in columns.items()]
    answered = Recorded(
        endpoint="bikes",
        version=1,
        package="0" * 64,
        mode="live",
        signature=Signature(task="regression", target="cnt", inputs=inputs),
        at=1_341_144_000_000_000 + first,
        latency_us=1,
        ids=[f"id-{first + place}" for place in range(len(rows))],
        inputs=orjson.dumps(rows),
        has_extra=any(len(row) > len(inputs) for row in rows),
        redact=(),
        predictions=[0.0] * len(rows),
        probabilities=None,
    )
    for key, content in segment_files([answered], rows=100):
        runtime.models.put(key, content)


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction() as session:
        create_model(session, name="bikes", task="regression", target="cnt")
        put_endpoint(session, name="bikes", model="bikes", settings=EndpointSettings())
    client.post("datasets", json={"name": "replay"})


def tell(runtime: Runtime, **truth: float | str) -> None:
    items = [TruthItem(id=key.replace("_", "-"), value=value) for key, value in truth.items()]
    with runtime.transaction() as session:
        add_truth(session, endpoint="bikes", items=items)


def build(client: httpx.Client, drain: Drain, **more: Any) -> pl.DataFrame:
    source = {"kind": "traffic", "endpoint": "bikes", "target": "cnt", **more}
    assert client.post("datasets/replay/versions", json={"source": source}).status_code == 202
    drain()
    version = client.get("datasets/replay/versions/latest").json()
    assert (version["state"], version["source"]["endpoint"]) == ("validated", "bikes")
    return pl.read_parquet(client.get("datasets/replay/versions/latest/content/replay.parquet").content)


def test_only_labelled_rows_are_in_it(client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
    record(runtime, 10, [{"hr": 1}, {"hr": 2}, {"hr": 3}], hr="integer")
    tell(runtime, id_10=5.0, id_12=7.5)
    rows = build(client, drain)
    assert rows.select("hr", "cnt", "prediction_id").rows() == [(1, 5.0, "id-10"), (3, 7.5, "id-12")]


def test_the_newest_rows_alone_when_asked(client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
    record(runtime, 10, [{"hr": 1}, {"hr": 2}, {"hr": 3}], hr="integer")
    tell(runtime, id_10=1.0, id_11=2.0, id_12=3.0)
    assert build(client, drain, last_rows=2)["cnt"].to_list() == [2.0, 3.0]


def test_segments_of_models_with_other_inputs_meet(client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
    record(runtime, 10, [{"hr": 1}], hr="integer")
    record(runtime, 20, [{"hr": 2.5, "yr": 1}], hr="number", yr="integer")
    tell(runtime, id_10=1.0, id_20=2.0)
    assert build(client, drain).select("hr", "yr").rows() == [(1.0, None), (2.5, 1)]


def test_without_truth_there_is_no_version(client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
    record(runtime, 10, [{"hr": 1}], hr="integer")
    client.post("datasets/replay/versions", json={"source": {"kind": "traffic", "endpoint": "bikes", "target": "cnt"}})
    (job,) = [job for job in drain() if job.kind == "BuildVersion"]
    assert (job.error or {})["code"] == "empty_table"
    assert client.get("datasets/replay").json()["versions"] == 0
