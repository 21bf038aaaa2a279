"""Looking up predictions that are not there; those that are there are in the flows."""

import httpx
import pytest

from domain.db import new_id
from tests.api.answers import refused
from tests.conftest import Drain
from tests.flows.plane import working


@pytest.mark.parametrize("path", ["predictions/{}", "predictions/{}/lineage"])
def test_one_that_was_never_recorded_is_not_found(client: httpx.Client, drain: Drain, path: str) -> None:
    with working(drain):
        problem = refused(client.get(path.format(new_id())), 404, "unknown_prediction")
    assert (problem["where"], "try again" in problem["fix"]) == ("prediction_id", True)


@pytest.mark.parametrize("path", ["predictions/{}", "predictions/{}/lineage"])
@pytest.mark.parametrize("prediction_id", ["none", "x" * 300])
def test_what_is_no_id_is_refused_without_a_search(client: httpx.Client, path: str, prediction_id: str) -> None:
    problem = refused(client.get(path.format(prediction_id)), 422, "invalid_request")
    assert problem["where"] == "path.prediction_id"
    assert client.get("jobs", params={"kind": "LookUpPrediction"}).json()["items"] == []
