"""The graph over HTTP: what is asked, and the looking up of a prediction."""

import httpx
import pytest

from domain.db import new_id
from tests.api.answers import refused
from tests.conftest import Drain
from tests.flows.plane import working


def test_a_dataset_version_stands_alone_until_something_is_made_of_it(client: httpx.Client) -> None:
    client.post("datasets", json={"name": "people"})
    client.post("datasets/people/versions", files={"files": ("people.csv", b"age\n1\n")})
    graph = client.get("lineage", params={"of": "datasets/people/versions/1"}).json()
    (node,) = graph["nodes"]
    assert (node["id"], node["kind"], node["name"]) == ("datasets/people/versions/1", "dataset_version", "people@1")
    assert (graph["edges"], graph["truncated"], graph["direction"]) == ([], False, "both")
    assert client.get(node["path"]).status_code == 200


def test_a_prediction_that_was_never_recorded_is_not_found(client: httpx.Client, drain: Drain) -> None:
    with working(drain):
        refused(client.get("lineage", params={"of": f"predictions/{new_id()}"}), 404, "unknown_prediction")


@pytest.mark.parametrize(
    ("query", "code"),
    [({}, "invalid_request"), ({"of": "people"}, "unknown_lineage_subject"), ({"of": "x" * 500}, "invalid_request")],
)
def test_a_subject_that_is_none_is_refused(client: httpx.Client, query: dict[str, str], code: str) -> None:
    refused(client.get("lineage", params=query), 422, code)


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"depth": 21}, {"direction": "sideways"}])
def test_limits_are_kept(client: httpx.Client, wrong: dict[str, str | int]) -> None:
    refused(client.get("lineage", params={"of": "datasets/a/versions/1", **wrong}), 422, "invalid_request")


def test_near_names_are_told(client: httpx.Client) -> None:
    client.post("datasets", json={"name": "people"})
    problem = refused(client.get("lineage", params={"of": "datasets/peopel/versions/1"}), 404, "unknown_dataset")
    assert "'people'" in problem["fix"]
