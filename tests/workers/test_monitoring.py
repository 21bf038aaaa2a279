"""Quality of answers that are labels: text, numbers and truth values are told apart from their recorded text."""

from typing import Any

import httpx
import polars as pl
import pytest

from adapters.runtime import Runtime
from tests.conftest import Drain
from tests.flows.plane import plane
from tests.training_data import TUMOURS, make_dataset
from workers.handlers.monitoring import open_windows
from workers.toolbox import Toolbox

POSITIVE = TUMOURS["label"] == "malignant"
LABELS = {"text": TUMOURS["label"], "whole": POSITIVE.cast(pl.Int64), "truth": POSITIVE}


@pytest.mark.parametrize("labels", list(LABELS))
def test_accuracy_is_that_of_the_test_rows(
    client: httpx.Client, runtime: Runtime, drain: Drain, tools: Toolbox, labels: str
) -> None:
    rows = TUMOURS.with_columns(label=LABELS[labels])
    make_dataset(client, drain, "tumours", rows)
    train = {"dataset": "tumours", "trainer": "linear", "task": "classification", "target": "label", "model": "t"}
    client.post("models", json={"name": "t", "task": "classification", "target": "label"})
    client.put("models/t/policy", json={"gates": [{"gate": "metric", "metric": "accuracy", "min": 0.8}]})
    client.put("endpoints/t", json={"model": "t"})
    client.put("endpoints/t/monitor", json={"policy": {"window_rows": 500}})
    client.post("experiments", json={"name": "study"})
    assert client.post("experiments/study/runs", json=train).status_code == 202
    drain()
    client.post("models/t/versions/1/promotions")
    drain()
    with plane(runtime) as serving:
        ids = serving.predict("t", rows.drop("label"))["ids"]
        serving.until_recorded("t", ids[-1])
    items = [{"id": key, "value": value} for key, value in zip(ids, rows["label"].to_list(), strict=True)]
    assert client.post("endpoints/t/ground-truth", json={"items": items}).status_code == 200
    open_windows(tools)
    drain()
    window: dict[str, Any] = client.get("endpoints/t/performance").json()[0]
    told = window["performance"]
    assert (window["verdict"], told["metric"], told["labelled"]) == ("quiet", "accuracy", 569)
    assert told["value"] == pytest.approx(told["reference"], abs=0.05)
