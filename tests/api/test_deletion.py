"""Deleting versions over HTTP: what needs one keeps it, pins too, and what is gone is said to be gone."""

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from adapters.runtime import Runtime
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_version
from domain.db import WriteSession, new_id
from domain.deployments.models import Endpoint
from domain.experiments import service as experiments
from domain.experiments.models import Run
from domain.experiments.states import RunState
from domain.registry import service as registry
from domain.registry.models import RegisteredModel
from tests.api.answers import put_version, refused
from tests.conftest import ON_BOTH_DATABASES, Drain
from tests.finished_runs import finished_run

ROWS = b"age,city\n31,Rome\n45,Oslo\n"
MORE = b"age,city\n45,Oslo\n60,Bern\n"
ONE = "datasets/a/versions/1"


@pytest.fixture
def version(client: httpx.Client, drain: Drain) -> None:
    put_version(client, "a", ROWS)
    drain()


Use = Callable[[WriteSession, DatasetVersion], object]


def trained(session: WriteSession, version: DatasetVersion) -> str:
    return finished_run(session, version)


def failed(session: WriteSession, version: DatasetVersion) -> None:
    run = session.get_one(Run, finished_run(session, version))
    run.state = RunState.FAILED


def registered(session: WriteSession, version: DatasetVersion) -> str:
    model = registry.create_model(session, name="m", task="regression", target="y")
    return registry.add_version(session, model=model, run_id=finished_run(session, version)).id


def served(session: WriteSession, version: DatasetVersion) -> None:
    live = registered(session, version)
    session.add(_endpoint(session, live_version_id=live))


def to_be_rolled_back_to(session: WriteSession, version: DatasetVersion) -> None:
    before = registered(session, version)
    session.add(_endpoint(session, standby_version_id=before))


def _endpoint(session: WriteSession, **colours: str) -> Endpoint:
    model_id = session.scalars(select(RegisteredModel.id)).one()
    return Endpoint(
        id=new_id(), name="e", model_id=model_id, settings={}, created_by="ann", created_at=session.now(), **colours
    )


@pytest.mark.usefixtures("version")
class TestDelete:
    def test_takes_it_out_of_the_lists_and_keeps_its_number(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "a", MORE)
        drain()
        answer = client.delete(ONE, params={"reason": "too old"})
        assert (answer.status_code, answer.json()["state"]) == (200, "deleted")
        assert (answer.json()["deleted_by"], answer.json()["deleted_at"] is None) == ("admin", False)
        listed = client.get("datasets/a/versions").json()["items"]
        assert [one["number"] for one in listed] == [2]
        for query in ({"deleted": True}, {"state": "deleted"}):
            listed = client.get("datasets/a/versions", params=query).json()["items"]
            assert 1 in [one["number"] for one in listed]
        assert client.get(ONE).json()["state"] == "deleted"
        event = client.get("events", params={"type": "DatasetVersionDeleted"}).json()["items"][0]
        assert (event["actor"], event["subject"], event["payload"]["reason"]) == ("admin", ONE, "too old")

    def test_twice_is_no_news(self, client: httpx.Client) -> None:
        first = client.delete(ONE).json()
        assert client.delete(ONE).json() == first
        assert len(client.get("events", params={"type": "DatasetVersionDeleted"}).json()["items"]) == 1

    @pytest.mark.parametrize("path", ["files", "profile", "pointer", "content/people.csv"])
    def test_its_content_is_said_to_be_deleted(self, client: httpx.Client, path: str) -> None:
        assert client.get(f"{ONE}/{path}").status_code == 200
        client.delete(ONE)
        assert "deleted by admin" in refused(client.get(f"{ONE}/{path}"), 404, "version_deleted")["detail"]

    def test_nothing_is_made_of_it(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "a", MORE)
        drain()
        client.delete(ONE)
        build = {"source": {"kind": "recipe", "concat": ["a@1", "a@2"]}}
        refused(client.post("datasets/a/versions", json=build), 404, "version_deleted")
        refused(client.get("datasets/a/versions/2/diff", params={"against": 1}), 404, "version_deleted")
        refused(client.post(f"{ONE}/checks"), 404, "version_deleted")
        refused(client.put(f"{ONE}/pin", json={"reason": "x"}), 404, "version_deleted")

    def test_the_newest_is_the_newest_that_is_left(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "a", MORE)
        drain()
        client.delete("datasets/a/versions/2")
        assert client.get("datasets/a/versions/latest").json()["number"] == 1
        client.delete(ONE)
        refusal = refused(client.get("datasets/a/versions/latest"), 404, "unknown_dataset_version")
        assert refusal["fix"] == "All of its versions were deleted."

    def test_the_same_content_again_is_a_new_version(self, client: httpx.Client, drain: Drain) -> None:
        client.delete(ONE)
        again = put_version(client, "a", ROWS)
        drain()
        assert (again["number"], client.get("datasets/a/versions/2").json()["state"]) == (2, "validated")
        assert put_version(client, "a", ROWS)["number"] == 2
        client.delete("datasets/a/versions/2")
        assert put_version(client, "a", ROWS)["number"] == 3

    @pytest.mark.parametrize("number", ["latest", "0", "-1", "x", str(2**63)])
    def test_wants_a_number(self, client: httpx.Client, number: str) -> None:
        refused(client.delete(f"datasets/a/versions/{number}"), 422, "invalid_request")

    def test_of_what_does_not_exist(self, client: httpx.Client) -> None:
        refused(client.delete("datasets/a/versions/7"), 404, "unknown_dataset_version")
        refused(client.delete("datasets/b/versions/1"), 404, "unknown_dataset")


@pytest.mark.usefixtures("version")
class TestNeeds:
    @ON_BOTH_DATABASES
    @pytest.mark.parametrize(
        ("use", "nouns"),
        [
            (trained, ["run"]),
            (registered, ["model", "run"]),
            (served, ["endpoint", "model", "run"]),
            (to_be_rolled_back_to, ["endpoint", "model", "run"]),
        ],
    )
    def test_keep_it(self, client: httpx.Client, runtime: Runtime, drain: Drain, use: Use, nouns: list[str]) -> None:
        with runtime.transaction() as session:
            experiments.ensure_experiment(session, name="e")
            use(session, get_version(session, "a", 1))
        drain()
        refusal = refused(client.delete(ONE), 409, "version_in_use")
        assert all(noun in refusal["detail"] for noun in nouns)
        assert [need["noun"] for need in client.get(f"{ONE}/needs").json()["items"]] == nouns
        assert client.get(f"{ONE}/content/people.csv").content == ROWS

    def test_a_run_that_failed_keeps_nothing(self, client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
        with runtime.transaction() as session:
            failed(session, get_version(session, "a", 1))
        drain()
        assert client.delete(ONE).status_code == 200

    def test_a_version_built_from_it_keeps_it_until_that_is_deleted(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "b"})
        client.post("datasets/b/versions", json={"source": {"kind": "recipe", "concat": ["a@1"]}})
        drain()
        assert "b@1 (built from it)" in refused(client.delete(ONE), 409, "version_in_use")["detail"]
        assert client.delete("datasets/b/versions/1").status_code == 200
        assert client.delete(ONE).status_code == 200

    def test_open_work_keeps_it(self, client: httpx.Client, drain: Drain) -> None:
        client.post(f"{ONE}/checks")
        assert "RunDataChecks is queued" in refused(client.delete(ONE), 409, "version_in_use")["detail"]
        drain()
        client.post("datasets", json={"name": "b"})
        client.post("datasets/b/versions", json={"source": {"kind": "recipe", "concat": ["a@1"]}})
        assert "BuildVersion is queued" in refused(client.delete(ONE), 409, "version_in_use")["detail"]

    def test_work_on_another_version_does_not(self, client: httpx.Client, drain: Drain) -> None:
        for number in range(2, 11):
            put_version(client, "a", ROWS + b"%d,Bern\n" % number)
        drain()
        client.post("datasets/a/versions/10/checks")
        assert client.delete(ONE).status_code == 200


@pytest.mark.usefixtures("version")
class TestPin:
    def test_keeps_it_until_it_is_unpinned(self, client: httpx.Client) -> None:
        pinned = client.put(f"{ONE}/pin", json={"reason": "the paper cites it"})
        assert (pinned.status_code, pinned.json()["pinned_by"]) == (200, "admin")
        refusal = refused(client.delete(ONE), 409, "version_in_use")
        assert "the paper cites it" in refusal["detail"]
        assert "Unpin it" in refusal["fix"]
        assert [client.delete(f"{ONE}/pin").status_code for _ in range(2)] == [204, 204]
        assert client.delete(ONE).status_code == 200

    def test_is_told_in_the_events_once_for_each_reason(self, client: httpx.Client) -> None:
        for reason in ("x", "x", "y"):
            client.put(f"{ONE}/pin", json={"reason": reason})
        client.delete(f"{ONE}/pin")
        kinds = ("DatasetVersionPinned", "DatasetVersionUnpinned")
        assert [len(client.get("events", params={"type": kind}).json()["items"]) for kind in kinds] == [2, 1]

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 1_001}, {"reason": "\x00"}, {"why": "x"}])
    def test_wants_a_reason(self, client: httpx.Client, body: dict[str, str]) -> None:
        refused(client.put(f"{ONE}/pin", json=body), 422, "invalid_request")
