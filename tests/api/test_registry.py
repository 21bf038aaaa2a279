"""What people say about models, search, cards, history, and versions side by side."""

from typing import Any

import httpx
import pytest

from tests.conftest import Drain
from tests.training_data import PATIENTS, make_dataset

SPEC: dict[str, Any] = {"dataset": "patients", "trainer": "linear", "task": "regression", "target": "progress"}
GATES: dict[str, Any] = {
    "gates": [
        {"gate": "metric", "metric": "mae", "max": 60},
        {"gate": "metric", "metric": "r2", "min": 0.99},
        {"gate": "slices", "by": ["sex"], "metric": "mae"},
    ]
}


@pytest.fixture
def two(client: httpx.Client, drain: Drain) -> None:
    """Two checked versions of `progress`, of the same data with different seeds."""
    make_dataset(client, drain, "patients", PATIENTS)
    client.post("models", json={"name": "progress", "task": "regression", "target": "progress", "policy": GATES})
    client.post("experiments", json={"name": "study"})
    for seed in (0, 1):
        answer = client.post("experiments/study/runs", json=SPEC | {"model": "progress", "seed": seed})
        assert answer.status_code == 202, answer.text
        drain()


@pytest.fixture
def empty(client: httpx.Client) -> None:
    for name, task in (("rides", "regression"), ("churn", "classification")):
        made = client.post("models", json={"name": name, "task": task, "target": "y", "description": f"The {name}"})
        assert made.status_code == 201


class TestDescribing:
    @pytest.mark.usefixtures("empty")
    def test_changes_texts_and_merges_tags(self, client: httpx.Client) -> None:
        first = client.patch("models/rides", json={"intended_use": "plan bikes", "tags": {"team": "a", "old": "x"}})
        assert first.headers["etag"] == '"2"'
        model = client.patch("models/rides", json={"tags": {"old": None}, "outside_changes": "flag"}).json()
        assert (model["intended_use"], model["tags"], model["outside_changes"]) == ("plan bikes", {"team": "a"}, "flag")
        events = client.get("events", params={"type": "ModelChanged"}).json()["items"]
        assert [one["payload"]["fields"] for one in events] == [["outside_changes", "tags"], ["intended_use", "tags"]]

    @pytest.mark.usefixtures("empty")
    def test_of_an_older_revision_is_a_412(self, client: httpx.Client) -> None:
        client.patch("models/rides", json={"limits": "none"})
        stale = client.patch("models/rides", json={"limits": "some"}, headers={"If-Match": '"1"'})
        assert (stale.status_code, client.get("models/rides").json()["limits"]) == (412, "none")

    @pytest.mark.usefixtures("empty")
    @pytest.mark.parametrize(
        "tags", [{"a b": "x"}, {"": "x"}, {'"': "x"}, {"a": "line\nbreak"}, {"a": "x" * 201}, {"a": 1}]
    )
    def test_refuses_an_odd_tag(self, client: httpx.Client, tags: dict[str, Any]) -> None:
        problem = client.patch("models/rides", json={"tags": tags}).json()
        assert (problem["status"], problem["where"].startswith("body.tags")) == (422, True)

    @pytest.mark.usefixtures("empty")
    def test_keeps_fifty_tags_at_most(self, client: httpx.Client) -> None:
        problem = client.patch("models/rides", json={"tags": {f"k{n}": "v" for n in range(51)}}).json()
        assert (problem["status"], problem["code"]) == (422, "too_many_tags")


class TestSearchingModels:
    @pytest.mark.usefixtures("empty")
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"q": "THE RIDES"}, ["rides"]),
            ({"q": "%"}, []),
            ({"task": "classification"}, ["churn"]),
            ({"owner": "nobody"}, []),
            ({"tag": "team:b"}, ["rides"]),
            ({"tag": ["team:b", "tier:2"]}, []),
            ({"sort": "name"}, ["churn", "rides"]),
            ({"sort": "created_at"}, ["rides", "churn"]),
        ],
    )
    def test_finds_where_every_filter_holds(
        self, client: httpx.Client, asked: dict[str, Any], found: list[str]
    ) -> None:
        client.patch("models/rides", json={"tags": {"team": "b", "tier": "1"}})
        assert [one["name"] for one in client.get("models", params=asked).json()["items"]] == found

    @pytest.mark.parametrize("tag", ["team", ":x", 'a"b:x', "a b:c"])
    def test_refuses_a_tag_that_is_none(self, client: httpx.Client, tag: str) -> None:
        problem = client.get("models", params={"tag": tag}).json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, "bad_filter", "tag")


@pytest.mark.usefixtures("two")
def test_versions_are_found_carded_compared_and_told(client: httpx.Client, drain: Drain) -> None:
    client.patch("models/progress/versions/2", json={"description": "the better one", "tags": {"kind": "trial"}})
    client.post("models/progress/versions/1/archive")
    searches: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [2]),
        ({"archived": "true"}, [2, 1]),
        ({"state": "archived"}, [1]),
        ({"metric": "mae<1000"}, [2]),
        ({"metric": ["mae<1000", "test_r2>0.99"]}, []),
        ({"metric": "train_rmse>=0"}, [2]),
        ({"tag": "kind:trial"}, [2]),
        ({"q": "BETTER"}, [2]),
        ({"dataset": "patients@1"}, [2]),
        ({"dataset": "patients@2"}, []),
        ({"trainer": "linear"}, [2]),
        ({"alias": "champion"}, []),
    ]
    for asked, numbers in searches:
        found = client.get("model-versions", params=asked)
        assert [one["number"] for one in found.json()["items"]] == numbers, (asked, found.text)
    assert [one["number"] for one in client.get("models/progress/versions").json()["items"]] == [2]

    card = client.get("models/progress/versions/2/card").json()
    assert card["data"] == card["data"] | {"dataset": "patients@1", "state": "validated"}
    assert {one["name"] for one in card["metrics"]} >= {"mae", "r2", "rmse"}
    assert any(one.startswith("metric failed") for one in card["found_limits"])
    assert {one["slice"]["column"] for one in card["slices"]} == {"sex"}
    assert card["size"] > 0
    assert (card["intended_use"], card["latency"]) == ("", None)
    text = client.get("models/progress/versions/2/card", headers={"Accept": "text/markdown"})
    assert text.headers["content-type"].startswith("text/markdown")
    assert "Nobody has written what this model is for." in text.text
    assert "Latency: not measured." in text.text
    client.patch("models/progress", json={"intended_use": "# Not a heading\n| nor a table"})
    again = client.get("models/progress/versions/2/card", params={"format": "markdown"}).text
    assert "\n> # Not a heading\n> | nor a table" in again

    side = client.get("models/progress/compare", params={"versions": "1,progress@2"}).json()
    assert side["versions"] == ["progress@1", "progress@2"]
    assert [row["name"] for row in side["params"]] == ["(seed)"]
    assert (side["same_data"], side["same_rows"]) == (True, False)
    assert "frozen rows of its own" in side["warning"]
    assert all(None not in row["values"] for row in side["metrics"])

    told = client.get("models/progress/versions/1/history").json()
    assert [one["what"] for one in told] == ["archived", "checked", "registered"]
    assert client.get("models/progress/versions/2/history").json()[0]["detail"] == "description, tags"

    order = {"versions": [1, 2], "datasets": ["patients"], "where": ["bmi > 0", "nope > 1", "bmi > 1e9"]}
    job = client.post("models/progress/comparisons", json=order)
    assert job.status_code == 202, job.text
    drain()
    found = client.get(job.json()["subject"]).json()
    assert (found["state"], found["metric"]) == ("succeeded", "mae")
    cells = {(one["version"], one["where"]): one for one in found["result"]["cells"]}
    assert len(cells) == 8
    whole = cells["progress@1", None]
    assert whole["low"] < whole["value"] < whole["high"]
    assert (whole["rows"] + whole["rows_excluded"], whole["rows_excluded"] > 0) == (PATIENTS.height, True)
    assert "nope" in cells["progress@2", "nope > 1"]["problem"]
    assert cells["progress@2", "bmi > 1e9"]["problem"] == "No row is in this subset."
    pair = next(one for one in found["result"]["pairs"] if one["where"] is None)
    assert pair["comparison"]["rows"] < whole["rows"]  # rows that neither was trained on
    assert client.get("models/progress/comparisons").json()["items"] == [found]


class TestAsking:
    @pytest.mark.parametrize(
        ("query", "where"),
        [
            ({"metric": "mae"}, "metric"),
            ({"metric": "maee<1"}, "metric"),
            ({"metric": "mae<nan"}, "metric"),
            ({"metric": "mae<x"}, "metric"),
            ({"dataset": "a/b"}, "dataset"),
            ({"dataset": "a@0"}, "dataset"),
            ({"tag": "x"}, "tag"),
            ({"sort": "metric"}, "query.sort"),
        ],
    )
    def test_for_versions_names_the_bad_filter(self, client: httpx.Client, query: dict[str, str], where: str) -> None:
        problem = client.get("model-versions", params=query).json()
        assert (problem["status"], problem["where"]) == (422, where)

    @pytest.mark.usefixtures("empty")
    @pytest.mark.parametrize(
        ("versions", "status", "code"),
        [
            ("1", 422, "bad_versions"),
            ("1,1", 422, "bad_versions"),
            ("1,x", 422, "bad_versions"),
            ("1,0", 422, "bad_versions"),
            (",".join(map(str, range(1, 22))), 422, "bad_versions"),
            ("1,2", 404, "unknown_model_version"),
            ("nope@1,2", 404, "unknown_model"),
        ],
    )
    def test_to_compare_needs_versions_that_are_there(
        self, client: httpx.Client, versions: str, status: int, code: str
    ) -> None:
        problem = client.get("models/rides/compare", params={"versions": versions}).json()
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["where"].startswith("versions")
