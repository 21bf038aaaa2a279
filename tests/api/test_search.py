"""What a command palette finds."""

import httpx
import pytest

from adapters.runtime import Runtime
from tests.api.answers import refused
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions


def names(client: httpx.Client, q: str) -> list[tuple[str, str]]:
    return [(hit["kind"], hit["name"]) for hit in client.get("search", params={"q": q}).json()["hits"]]


@ON_BOTH_DATABASES
class TestSearch:
    def test_shows_the_closest_first(self, client: httpx.Client) -> None:
        for name in ("old-bikes", "bikes-2", "Bikes", "cars"):
            client.post("datasets", json={"name": name})
        client.post("experiments", json={"name": "bikes"})
        assert names(client, "bikes") == [
            ("dataset", "Bikes"),
            ("experiment", "bikes"),
            ("dataset", "bikes-2"),
            ("dataset", "old-bikes"),
        ]

    def test_finds_a_run_by_either_end_of_its_id(self, client: httpx.Client, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            run_id = add_versions(session, 1)[0].run_id
        for piece in (run_id[:13], run_id[-8:].upper(), run_id):
            assert names(client, piece) == [("run", run_id)]
        (hit,) = client.get("search", params={"q": run_id}).json()["hits"]
        assert (hit["path"], hit["detail"]) == (f"runs/{run_id}", "of e, finished")

    @pytest.mark.parametrize("q", ["%", "_", "'", "zzz", "a b"])
    def test_takes_no_letter_for_a_wildcard(self, client: httpx.Client, q: str) -> None:
        client.post("datasets", json={"name": "people"})
        assert names(client, q) == []

    def test_has_an_end(self, client: httpx.Client) -> None:
        for number in range(12):
            client.post("datasets", json={"name": f"bikes{number}"})
            client.post("experiments", json={"name": f"bikes{number}"})
            client.post("models", json={"name": f"bikes{number}", "task": "regression", "target": "y"})
        assert len(names(client, "bikes")) == 20


@pytest.mark.parametrize("q", ["", " ", "x" * 101, "\x00"])
def test_nothing_to_look_for_is_refused(client: httpx.Client, q: str) -> None:
    refused(client.get("search", params={"q": q}), 422, "invalid_request")
