"""A person looks at answers, says what is the matter, and makes a mistake a test of the model."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from tests.api.answers import refused
from tests.conftest import Drain
from tests.training_data import PATIENTS, TUMOURS, make_dataset

SPEC = {"dataset": "tumours", "trainer": "linear", "task": "classification", "target": "label", "model": "tumours"}


@pytest.fixture
def trained(client: httpx.Client, drain: Drain) -> None:
    """Two versions of a model of tumours, the second one trained on less."""
    make_dataset(client, drain, "tumours", TUMOURS)
    client.post("experiments", json={"name": "e"})
    for features in (None, ["mean_smoothness", "mean_compactness"]):
        answer = client.post("experiments/e/runs", json=SPEC | {"features": features})
        assert answer.status_code == 202, answer.text
        drain()


def look(client: httpx.Client, drain: Drain, number: int, **question: Any) -> dict[str, Any]:
    job = client.post(f"models/tumours/versions/{number}/eyeballs", json=question)
    assert job.status_code == 202, job.text
    drain()
    found: dict[str, Any] = client.get(job.json()["subject"]).json()
    assert found["kinds"] is not None, client.get(f"jobs/{job.json()['id']}").json()["error"]
    return found


@pytest.mark.usefixtures("trained")
class TestALook:
    def test_shows_the_surest_mistakes_first_and_the_other_version_beside(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        found = look(client, drain, 2, against=1)
        mistakes = found["kinds"]["confident_mistakes"]
        sure = [row["confidence"] for row in mistakes]
        assert len(sure) == min(found["mistakes"], 20)
        assert sure == sorted(sure, reverse=True)
        assert all(row["answer"] != row["truth"] and row["correct"] is False for row in mistakes)
        assert all(row["answer"] != row["other"] for row in found["kinds"]["disagreements"])
        assert found["disagreements"] == len(found["kinds"]["disagreements"]) or found["disagreements"] > 20
        margins = [abs(row["confidence"] - 0.5) for row in found["kinds"]["borderline"]]
        assert margins == sorted(margins)
        assert all(row["correct"] for row in found["kinds"]["correct"])
        assert client.get("models/tumours/versions/2/eyeball").json()["id"] == found["id"]

    def test_of_a_slice_is_of_that_slice(self, client: httpx.Client, drain: Drain) -> None:
        found = look(client, drain, 1, where="mean_radius > 15", kinds=["random"], limit=200)
        assert list(found["kinds"]) == ["random"]
        assert all(row["instance"]["mean_radius"] > 15 for row in found["kinds"]["random"])
        assert len(found["kinds"]["random"]) == found["rows"]

    def test_of_other_rows_leaves_out_those_it_was_trained_on(self, client: httpx.Client, drain: Drain) -> None:
        found = look(client, drain, 1, dataset="tumours@1", kinds=["random"])
        assert found["rows"] < len(TUMOURS) / 2
        assert "trained on are left out" in found["notes"][0]

    def test_is_had_once_for_the_same_question(self, client: httpx.Client, drain: Drain) -> None:
        first = look(client, drain, 1)
        again = client.post("models/tumours/versions/1/eyeballs", json={})
        assert again.json()["subject"] == f"eyeballs/{first['id']}"

    @pytest.mark.parametrize(
        ("question", "code"),
        [({"where": "nonsense > 1"}, "bad_expression"), ({"where": "mean_radius > 900"}, "no_such_rows")],
    )
    def test_that_cannot_be_had_says_why(
        self, client: httpx.Client, drain: Drain, question: dict[str, Any], code: str
    ) -> None:
        job = client.post("models/tumours/versions/1/eyeballs", json=question).json()
        drain()
        assert client.get(f"jobs/{job['id']}").json()["error"]["code"] == code
        refused(client.get("models/tumours/versions/1/eyeball"), 404, "nothing_seen")

    def test_for_disagreements_needs_another_version(self, client: httpx.Client) -> None:
        answer = client.post("models/tumours/versions/1/eyeballs", json={"kinds": ["disagreements"]})
        refused(answer, 422, "nobody_to_disagree")

    def test_shows_what_people_said_of_a_row(self, client: httpx.Client, drain: Drain) -> None:
        row = look(client, drain, 2, kinds=["confident_mistakes"])["kinds"]["confident_mistakes"][0]
        for finding in ("ambiguous", "label_wrong"):
            said = {"finding": finding, "text": "the slide was mixed up"}
            assert client.put(f"models/tumours/rows/{row['row']}/note", json=said).status_code == 200
        again = look(client, drain, 2, kinds=["confident_mistakes"])["kinds"]["confident_mistakes"][0]
        assert (again["note"]["finding"], again["note"]["noted_by"]) == ("label_wrong", "admin")
        assert len(client.get("events", params={"type": "RowNoted"}).json()["items"]) == 2


def test_numbers_are_shown_by_their_errors(client: httpx.Client, drain: Drain) -> None:
    make_dataset(client, drain, "tumours", PATIENTS)
    client.post("experiments", json={"name": "e"})
    spec = SPEC | {"trainer": "linear", "task": "regression", "target": "progress"}
    client.post("experiments/e/runs", json=spec)
    drain()
    found = look(client, drain, 1)
    errors = [row["error"] for row in found["kinds"]["confident_mistakes"]]
    assert errors == sorted(errors, reverse=True)
    assert (found["mistakes"], set(found["kinds"])) == (None, {"confident_mistakes", "correct", "random"})
    job = client.post("models/tumours/versions/1/eyeballs", json={"kinds": ["borderline"]}).json()
    drain()
    assert client.get(f"jobs/{job['id']}").json()["error"]["code"] == "kind_needs_labels"


@pytest.mark.usefixtures("trained")
class TestAPin:
    def mistake(self, client: httpx.Client, drain: Drain) -> dict[str, Any]:
        found = look(client, drain, 2, kinds=["confident_mistakes"])
        row: dict[str, Any] = found["kinds"]["confident_mistakes"][0]
        return {"instance": row["instance"], "expect": row["truth"], "answered": row["answer"], "note": "seen"}

    def test_of_a_mistake_is_a_test_that_the_next_candidate_fails(self, client: httpx.Client, drain: Drain) -> None:
        mistake = self.mistake(client, drain) | {"instance": TUMOURS.drop("label").row(0, named=True)}
        mistake["expect"] = {"malignant": "benign", "benign": "malignant"}[TUMOURS["label"][0]]
        answer = client.post("models/tumours/versions/2/pins", json=mistake)  # that one knows two columns only
        assert refused(answer, 422, "unfit_pin")["where"].startswith("instance.")
        pinned = client.post("models/tumours/versions/1/pins", json=mistake)
        assert pinned.status_code == 201, pinned.text
        client.post("experiments/e/runs", json=SPEC | {"seed": 3})
        drain()
        report = client.get("models/tumours/versions/3/checks").json()
        assert report["verdict"] == "fail"
        assert report["pins"]["verdict"] == "fail"
        assert report["pins"]["examples"][0]["expected"] == mistake["expect"]

        assert client.post(f"pins/{pinned.json()['id']}/unpin", json={"reason": "label was wrong"}).status_code == 200
        drain()
        assert client.get("models/tumours/versions/3/checks").json()["pins"] is None
        assert client.get("models/tumours/pins").json()["items"] == []
        taken = client.get("models/tumours/pins", params={"standing": False}).json()["items"][0]
        assert (taken["reason"], taken["unpinned_by"]) == ("label was wrong", "admin")
        refused(client.post(f"pins/{taken['id']}/unpin", json={"reason": "r"}), 409, "already_unpinned")

    def test_again_is_the_same_and_to_another_answer_is_refused(self, client: httpx.Client, drain: Drain) -> None:
        mistake = self.mistake(client, drain)
        first = client.post("models/tumours/versions/2/pins", json=mistake)
        again = client.post("models/tumours/versions/2/pins", json=mistake)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]
        other = mistake | {"expect": mistake["answered"]}
        refused(client.post("models/tumours/versions/2/pins", json=other), 409, "pin_contradicts")

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"expect": "purple"}, "expect"),
            ({"within": 0.1}, "within"),
            ({"instance": {"mean_smoothness": 0.1}}, "instance.mean_compactness"),
            ({"instance": {"mean_smoothness": "x", "mean_compactness": 0.1}}, "instance.mean_smoothness"),
            ({"instance": {"mean_smoothness": None, "mean_compactness": 0.1}}, "instance.mean_smoothness"),
            ({"instance": {"mean_smoothnes": 0.1, "mean_compactness": 0.1}}, "instance.mean_smoothnes"),
        ],
    )
    def test_that_no_version_could_pass_is_refused(
        self, client: httpx.Client, runtime: Runtime, change: dict[str, Any], where: str
    ) -> None:
        body = {"instance": {"mean_smoothness": 0.1, "mean_compactness": 0.1}, "expect": "benign"} | change
        problem = refused(client.post("models/tumours/versions/2/pins", json=body), 422, "unfit_pin")
        assert problem["where"] == where
        assert client.get("models/tumours/pins").json()["items"] == []
