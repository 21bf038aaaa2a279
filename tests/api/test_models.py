"""Models over HTTP: policy, versions, checks, lineage, and what is refused."""

from typing import Any

import httpx
import pytest

from tests.conftest import Drain, TrackingInMemory
from tests.training_data import PATIENTS, make_dataset

SPEC: dict[str, Any] = {
    "dataset": "patients",
    "trainer": "linear",
    "task": "regression",
    "target": "progress",
    "code_commit": "0f3a9c1",
}
MODEL = {"name": "progress", "task": "regression", "target": "progress"}
GATES: dict[str, Any] = {
    "gates": [
        {"gate": "metric", "metric": "mae", "max": 60},
        {"gate": "overfit"},
        {"gate": "tolerance"},
        {"gate": "slices", "by": ["sex"], "metric": "mae"},
        {"gate": "champion", "metric": "mae"},
    ]
}


@pytest.fixture
def run_id(client: httpx.Client, drain: Drain) -> str:
    """A finished run that is no version of anything."""
    make_dataset(client, drain, "patients", PATIENTS)
    client.post("experiments", json={"name": "study"})
    return finished_run(client, drain)


def finished_run(client: httpx.Client, drain: Drain, **changes: Any) -> str:
    answer = client.post("experiments/study/runs", json=SPEC | changes)
    assert answer.status_code == 202, answer.text
    drain()
    found: str = answer.json()["subject"].removeprefix("runs/")
    return found


@pytest.fixture
def version(client: httpx.Client, drain: Drain, run_id: str) -> dict[str, Any]:
    """Version 1 of the model `progress`, not checked yet."""
    client.post("models", json=MODEL)
    answer = client.post("models/progress/versions", json={"run_id": run_id})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestModels:
    def test_are_created_listed_and_read(self, client: httpx.Client) -> None:
        made = client.post("models", json=MODEL | {"description": "how it goes", "policy": GATES})
        assert made.status_code == 201
        model = made.json()
        assert (model["versions"], model["champion"], model["aliases"], model["policy_version"]) == (0, None, {}, 1)
        assert [gate["gate"] for gate in model["policy"]["gates"]] == [gate["gate"] for gate in GATES["gates"]]
        answer = client.get("models/progress")
        assert (answer.json(), answer.headers["etag"]) == (model, '"1"')
        assert client.get("models").json()["items"] == [model]

    def test_name_is_taken_once(self, client: httpx.Client) -> None:
        client.post("models", json=MODEL)
        problem = client.post("models", json=MODEL).json()
        assert (problem["status"], problem["code"], problem["where"]) == (409, "model_exists", "name")

    @pytest.mark.parametrize(
        ("changes", "where"),
        [
            ({"name": "a/b"}, "body.name"),
            ({"task": "ranking"}, "body.task"),
            ({"target": ""}, "body.target"),
            ({"owner": "me"}, "body.owner"),
            ({"policy": {"gates": [{"gate": "overfit", "max_ratio": 0}]}}, "body.policy.gates.0.max_ratio"),
        ],
    )
    def test_are_refused_naming_the_field(self, client: httpx.Client, changes: dict[str, Any], where: str) -> None:
        problem = client.post("models", json=MODEL | changes).json()
        assert (problem["status"], problem["where"]) == (422, where)
        assert client.get("models").json()["items"] == []

    def test_policy_with_a_metric_of_another_task_is_refused(self, client: httpx.Client) -> None:
        policy = {"gates": [{"gate": "metric", "metric": "auc", "min": 0.9}]}
        problem = client.post("models", json=MODEL | {"policy": policy}).json()
        assert (problem["status"], problem["code"]) == (422, "unfit_metric")
        assert client.get("models/progress").status_code == 404

    @pytest.mark.parametrize(
        "path",
        ["models/progres", "models/progres/versions", "models/progres/versions/1", "models/progres/versions/1/checks"],
    )
    def test_unknown_ones_are_a_404_with_near_matches(self, client: httpx.Client, path: str) -> None:
        client.post("models", json=MODEL)
        problem = client.get(path).json()
        assert (problem["status"], problem["code"], problem["fix"]) == (
            404,
            "unknown_model",
            "Did you mean 'progress'?",
        )


class TestThePolicy:
    @pytest.fixture(autouse=True)
    def model(self, client: httpx.Client) -> None:
        assert client.post("models", json=MODEL).status_code == 201

    def test_is_set_in_json_and_grows_its_version(self, client: httpx.Client) -> None:
        answer = client.put("models/progress/policy", json=GATES)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        model = client.get("models/progress").json()
        assert (model["policy"], model["policy_version"]) == (answer.json(), 2)

    def test_is_set_in_yaml(self, client: httpx.Client) -> None:
        text = b"gates:\n  - {gate: metric, metric: mae, max: 60}\napproval: required\n"
        answer = client.put("models/progress/policy", content=text, headers={"content-type": "application/yaml"})
        assert answer.status_code == 200, answer.text
        assert client.get("models/progress").json()["policy"]["approval"] == "required"

    def test_in_yaml_may_name_rows_with_on(self, client: httpx.Client) -> None:
        text = b"gates:\n  - {gate: champion, metric: mae, on: traffic}\n"
        answer = client.put("models/progress/policy", content=text, headers={"content-type": "application/yaml"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["gates"][0]["on"] == "traffic"

    def test_the_same_one_is_no_news(self, client: httpx.Client) -> None:
        for _ in range(2):
            assert client.put("models/progress/policy", json=GATES).headers["etag"] == '"2"'
        assert len(client.get("events", params={"type": "PolicyChanged"}).json()["items"]) == 1

    def test_stale_if_match_is_a_412(self, client: httpx.Client) -> None:
        client.put("models/progress/policy", json=GATES, headers={"If-Match": '"1"'})
        problem = client.put("models/progress/policy", json={"gates": []}, headers={"If-Match": '"1"'}).json()
        assert (problem["status"], problem["code"]) == (412, "stale")
        assert client.get("models/progress").json()["policy_version"] == 2

    @pytest.mark.parametrize(
        ("policy", "told"),
        [
            ({"gates": [{"gate": "metric", "metric": "accuracy", "min": 0.5}]}, ("unfit_metric", "gates.0.metric")),
            ({"gates": [{"gate": "overfit"}, {"gate": "champion", "metric": "a"}]}, ("unfit_metric", "gates.1.metric")),
            ({"gates": [{"gate": "slices", "by": ["sex"], "metric": "f1"}]}, ("unfit_metric", "gates.0.metric")),
            ({"gates": [{"gate": "champion"}]}, ("invalid_request", "body.gates.0.metric")),
            ({"gates": [{"gate": "slices", "by": [], "metric": "mae"}]}, ("invalid_request", "body.gates.0")),
            ({"gates": [{"gate": "magic"}]}, ("invalid_request", "body.gates.0")),
            ({"gates": [{"gate": "overfit", "max": 2}]}, ("invalid_request", "body.gates.0.max")),
            ({"approval": "maybe"}, ("invalid_request", "body.approval")),
        ],
    )  # fmt: skip
    def test_is_refused_naming_the_gate(
        self, client: httpx.Client, policy: dict[str, Any], told: tuple[str, str]
    ) -> None:
        problem = client.put("models/progress/policy", json=policy).json()
        assert (problem["status"], problem["code"], problem["where"]) == (422, *told)
        assert client.get("models/progress").json()["policy_version"] == 1

    def test_broken_yaml_is_refused_with_line_and_column(self, client: httpx.Client) -> None:
        text = b"gates:\n  - {gate: metric, metric: mae\n"
        problem = client.put(
            "models/progress/policy", content=text, headers={"content-type": "application/yaml"}
        ).json()  # fmt: skip
        assert (problem["status"], problem["code"]) == (422, "bad_document")
        assert problem["where"].startswith("line ")


class TestVersions:
    def test_are_made_from_a_finished_run(self, client: httpx.Client, version: dict[str, Any], run_id: str) -> None:
        assert (version["number"], version["state"], version["run_id"]) == (1, "registered", run_id)
        assert version["metrics"] == client.get(f"runs/{run_id}/metrics").json()
        assert version["package"]["run_id"] == run_id

    def test_the_same_run_is_not_a_version_twice(
        self, client: httpx.Client, version: dict[str, Any], run_id: str
    ) -> None:
        client.post("models", json=MODEL | {"name": "twin"})
        for name in ("progress", "twin"):
            problem = client.post(f"models/{name}/versions", json={"run_id": run_id}).json()
            assert (problem["status"], problem["code"]) == (409, "run_already_registered")
        assert client.get("models/progress").json()["versions"] == version["number"] == 1

    def test_a_run_that_has_not_finished_is_none(self, client: httpx.Client, run_id: str) -> None:
        client.post("models", json=MODEL)
        pending = client.post("experiments/study/runs", json=SPEC).json()["subject"].removeprefix("runs/")
        problem = client.post("models/progress/versions", json={"run_id": pending}).json()
        assert (problem["status"], problem["code"]) == (409, "run_not_finished")

    def test_a_run_that_predicts_something_else_is_none(self, client: httpx.Client, run_id: str) -> None:
        client.post("models", json=MODEL | {"target": "bmi"})
        problem = client.post("models/progress/versions", json={"run_id": run_id}).json()
        assert (problem["status"], problem["code"]) == (409, "model_mismatch")

    def test_an_unknown_run_is_none(self, client: httpx.Client) -> None:
        client.post("models", json=MODEL)
        problem = client.post("models/progress/versions", json={"run_id": "nothing"}).json()
        assert (problem["status"], problem["code"]) == (404, "unknown_run")

    def test_unknown_number_is_a_404_that_says_which_there_are(
        self, client: httpx.Client, version: dict[str, Any]
    ) -> None:
        problem = client.get("models/progress/versions/9").json()
        assert (problem["status"], problem["code"], problem["fix"]) == (
            404, "unknown_model_version", "It has versions 1 to 1."
        )  # fmt: skip

    @pytest.mark.parametrize("number", ["0", "-1", "one", str(2**70)])
    def test_number_is_a_number(self, client: httpx.Client, number: str) -> None:
        problem = client.get(f"models/progress/versions/{number}").json()
        assert (problem["status"], problem["where"]) == (422, "path.number")

    def test_lineage_leads_to_data_code_and_environment(
        self, client: httpx.Client, version: dict[str, Any], run_id: str
    ) -> None:
        lineage = client.get("models/progress/versions/1/lineage").json()
        run = client.get(f"runs/{run_id}").json()
        data = client.get("datasets/patients/versions/1").json()
        assert (lineage["run"]["id"], lineage["run"]["experiment"]) == (run_id, "study")
        assert lineage["run"]["code_commit"] == "0f3a9c1"
        assert (lineage["data"]["dataset"], lineage["data"]["number"]) == ("patients", 1)
        assert lineage["data"]["digest"] == data["digest"]
        assert lineage["environment"] == run["environment"]
        assert lineage["package_digest"] == version["package_digest"] == run["package_digest"]

    def test_are_mirrored_in_mlflow(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any], tracking: TrackingInMemory
    ) -> None:
        tracking.away = True
        drain()
        assert client.get("models/progress/versions/1").json()["state"] == "checked"
        assert tracking.versions == {}
        mirror = client.get("jobs", params={"kind": "MirrorVersion"}).json()["items"][0]
        assert (mirror["state"], mirror["error"]["code"]) == ("queued", "tracking_away")

    def test_archived_one_is_out_of_the_running(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any]
    ) -> None:
        for _ in range(2):
            answer = client.post("models/progress/versions/1/archive")
            assert (answer.status_code, answer.json()["state"]) == (200, "archived")
        assert len(client.get("events", params={"type": "ModelVersionArchived"}).json()["items"]) == 1
        problem = client.post("models/progress/versions/1/checks").json()
        assert (problem["status"], problem["code"]) == (409, "model_version_archived")
        client.put("models/progress/policy", json=GATES)
        drain()
        assert client.get("models/progress/versions/1").json()["state"] == "archived"


class TestChecks:
    def test_are_a_404_before_they_have_run(self, client: httpx.Client, version: dict[str, Any]) -> None:
        problem = client.get("models/progress/versions/1/checks").json()
        assert (problem["status"], problem["code"]) == (404, "not_checked")

    def test_without_gates_show_metrics_and_no_pass(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any]
    ) -> None:
        drain()
        report = client.get("models/progress/versions/1/checks").json()
        assert (report["verdict"], report["results"], report["policy_version"]) == ("inconclusive", [], 1)
        assert report["metrics"]["mae"] == pytest.approx(version["metrics"]["test_mae"], rel=1e-4)

    def test_run_again_when_the_policy_changes(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any]
    ) -> None:
        drain()
        client.put("models/progress/policy", json=GATES)
        drain()
        report = client.get("models/progress/versions/1/checks").json()
        assert report["policy_version"] == 2
        assert [(one["gate"], one["verdict"]) for one in report["results"]] == [
            ("metric", "pass"),
            ("overfit", "pass"),
            ("tolerance", "pass"),
            ("slices", "pass"),
        ]
        assert report["verdict"] == "pass"
        assert {one["value"] for one in report["results"][3]["slices"]} == {"f", "m"}

    def test_fail_with_the_numbers(self, client: httpx.Client, drain: Drain, version: dict[str, Any]) -> None:
        row = PATIENTS.row(0, named=True)
        instance = {name: row[name] for name in ("bmi", "bp", "s5", "sex")}
        gates = [
            {"gate": "metric", "metric": "mae", "max": 1},
            {"gate": "minimum_functionality", "rows": [{"instance": instance, "expect": -5, "within": 1}]},
        ]
        client.put("models/progress/policy", json={"gates": gates})
        drain()
        report = client.get("models/progress/versions/1/checks").json()
        assert (report["verdict"], [one["verdict"] for one in report["results"]]) == ("fail", ["fail", "fail"])
        assert report["results"][0]["value"] > 1
        assert report["results"][1]["examples"][0]["expected"] == -5

    def test_are_started_by_hand_once_per_key(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any]
    ) -> None:
        drain()
        key = {"Idempotency-Key": "again"}
        answers = [client.post("models/progress/versions/1/checks", headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        job = answers[0].json()
        assert (job["id"], job["subject"]) == (answers[1].json()["id"], "models/progress/versions/1")
        assert answers[0].headers["location"] == f"/api/v1/jobs/{job['id']}"
        drain()
        assert client.get("models/progress/versions/1/checks").json()["job_id"] == job["id"]

    def test_that_cannot_run_are_an_event_and_leave_the_version_unchecked(
        self, client: httpx.Client, drain: Drain, version: dict[str, Any], run_id: str
    ) -> None:
        job = next(one for one in client.get("jobs").json()["items"] if one["kind"] == "RunModelChecks")
        client.post(f"jobs/{job['id']}/cancel")
        drain()
        events = client.get("events", params={"type": "ModelChecksFailed"}).json()["items"]
        assert [(event["subject"], event["payload"]["run_id"]) for event in events] == [
            ("models/progress/versions/1", run_id)
        ]
        assert client.get("models/progress/versions/1").json()["state"] == "registered"
