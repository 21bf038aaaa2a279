"""Commands that do more than ask and show: uploads, downloads, documents, waiting."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

VERSIONS = "/api/v1/datasets/bikes/versions"


def version(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "bikes",
        "number": number,
        "state": "registered",
        "reasons": [],
        "digest": "d41d8cd98f00b204e9800998ecf8427e",
        "size": 6,
        "files": 1,
        "rows": None,
        "message": "",
        "created_by": "ada",
        "created_at": "2026-01-01T00:00:00Z",
        "deleted_at": None,
    } | more


def job(state: str, **more: Any) -> dict[str, Any]:
    return {"id": "j1", "kind": "run_data_checks", "state": state, "progress": 0.5, "message": "", "error": None} | more


@pytest.fixture
def bikes(server: Server) -> None:
    server.on("GET", "/api/v1/datasets/bikes", Answer({"name": "bikes"}))


@pytest.mark.usefixtures("bikes")
class TestPush:
    def test_sends_nothing_when_it_is_refused_the_dataset(
        self, millrace: Millrace, server: Server, tmp_path: Path
    ) -> None:
        (tmp_path / "hour.csv").write_text("a")
        refused = {"title": "Forbidden", "detail": "ada may not.", "code": "missing_scope"}
        server.on("GET", "/api/v1/datasets/bikes", Answer(refused, 403))
        assert millrace("data", "push", "hour.csv", "bikes").exit_code == 5
        assert [asked.method for asked in server.asked] == ["GET"]

    def test_refuses_an_empty_folder(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "nothing").mkdir()
        assert millrace("data", "push", "nothing", "bikes").exit_code == 2
        assert server.asked == []

    def test_refuses_a_path_that_is_not_there(self, millrace: Millrace) -> None:
        assert millrace("data", "push", "missing.csv", "bikes").exit_code == 2

    def test_with_wait_follows_the_checks(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "hour.csv").write_text("a\n1\n")
        server.on("POST", "/api/v1/datasets/bikes/missing-chunks", Answer(b"\x01", kind="application/octet-stream"))
        server.on("POST", VERSIONS, Answer(version(), 201))
        server.on("GET", f"{VERSIONS}/1/files", Answer({"items": [], "next_cursor": None}))
        waiting, done = (
            {"items": [job("queued")], "next_cursor": None},
            {"items": [job("succeeded")], "next_cursor": None},
        )
        server.on("GET", "/api/v1/jobs", Answer(waiting), Answer(done))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("running")), Answer(job("succeeded")))
        server.on("GET", f"{VERSIONS}/1", Answer(version(state="validated")))
        assert "validated" in millrace("data", "push", "hour.csv", "bikes", "--wait").stdout


class TestGet:
    def test_never_writes_outside_the_folder(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        entry = {"path": "../evil", "size": 1, "md5": "0" * 32}
        server.on("GET", f"{VERSIONS}/2", Answer(version(2)))
        server.on("GET", f"{VERSIONS}/2/files", Answer({"items": [entry], "next_cursor": None}))
        result = millrace("data", "get", "bikes@2", "--out", "here")
        assert (result.exit_code, (tmp_path / "evil").exists()) == (1, False)
        assert "outside" in result.stderr

    @pytest.mark.parametrize("ref", ["bikes@", "bikes@x", "bikes@-1"])
    def test_refuses_what_names_no_version(self, millrace: Millrace, ref: str) -> None:
        assert millrace("data", "get", ref).exit_code == 2


class TestDocuments:
    def test_are_sent_as_json(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "suite.yaml").write_text("checks:\n  - {check: in_range, column: day, min: 2011-01-01}\n")
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 1, "checks": [{}]}))
        assert millrace("checks", "set", "bikes", "suite.yaml").exit_code == 0
        assert server.asked[0].json() == {"checks": [{"check": "in_range", "column": "day", "min": "2011-01-01"}]}

    def test_are_read_from_standard_input(self, millrace: Millrace, server: Server) -> None:
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 1, "checks": []}))
        assert millrace("checks", "set", "bikes", "-", stdin="checks: []").exit_code == 0
        assert server.asked[0].json() == {"checks": []}

    def test_leave_on_a_word(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        server.on("PUT", "/api/v1/models/bikes/policy", Answer({"gates": [], "approval": "automatic"}))
        (tmp_path / "policy.yaml").write_text("gates: [{gate: champion, metric: mae, on: traffic}]\n")
        assert millrace("models", "policy", "bikes", "policy.yaml").exit_code == 0
        assert server.asked[-1].json()["gates"][0]["on"] == "traffic"

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("checks:\n  - {check: schema\n  - x", "line 3, column 6"),
            ("a: b: c", "line 1, column 5"),
            ("a: 1\n\tb: 2", "line 2, column 1"),
        ],
    )
    def test_that_are_not_yaml_are_refused_with_the_place(
        self, millrace: Millrace, server: Server, tmp_path: Path, text: str, place: str
    ) -> None:
        (tmp_path / "suite.yaml").write_text(text)
        result = millrace("checks", "set", "bikes", "suite.yaml")
        assert (result.exit_code, server.asked) == (2, [])
        assert "suite.yaml is not valid YAML" in result.stderr
        assert place in result.stderr

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "is empty"),
            (b"# nothing\n", "is empty"),
            (b"a: \xff", "is not text in UTF-8"),
            (b"a: \x00", "not valid YAML"),
        ],
    )
    def test_without_content_are_refused(self, millrace: Millrace, tmp_path: Path, content: bytes, said: str) -> None:
        (tmp_path / "suite.yaml").write_bytes(content)
        result = millrace("checks", "set", "bikes", "suite.yaml")
        assert result.exit_code == 2
        assert said in result.stderr

    def test_that_are_not_there_are_refused(self, millrace: Millrace) -> None:
        result = millrace("train", "missing.yaml")
        assert result.exit_code == 2
        assert "Cannot read missing.yaml: No such file or directory." in result.stderr

    @pytest.mark.parametrize("where", ["body.checks.1.in_range.min", "/checks/1/min"])
    def test_that_the_server_refuses_are_located(
        self, millrace: Millrace, server: Server, tmp_path: Path, where: str
    ) -> None:
        (tmp_path / "suite.yaml").write_text(
            "checks:\n  - check: schema\n    columns: {}\n  - check: in_range\n    min: x\n"
        )
        refused = {"title": "Invalid", "detail": "min is no number", "where": where, "code": "invalid"}
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer(refused, 422))
        result = millrace("checks", "set", "bikes", "suite.yaml")
        assert result.exit_code == 1
        assert f"suite.yaml, line 5 ({where})" in result.stderr


RUN = {
    "id": "r1",
    "experiment": "bikes",
    "state": "finished",
    "reason": "",
    "trainer": "gradient_boosting",
    "params": {},
    "seed": 0,
    "dataset": "bikes",
    "dataset_version": 1,
    "dataset_digest": "d41d8cd98f00b204e9800998ecf8427e",
    "code_commit": None,
    "metrics": {"mae": 41.2},
    "notes": [],
    "package": None,
    "mlflow_run_id": "m1",
    "job_id": "j1",
    "created_by": "ada",
    "created_at": "2026-01-01T00:00:00Z",
    "usage": None,
}


class TestWait:
    def train(self, millrace: Millrace, server: Server, tmp_path: Path, *jobs: dict[str, Any]) -> Any:
        (tmp_path / "spec.yaml").write_text("model: bikes\n")
        server.on("GET", "/api/v1/experiments/bikes", Answer({"name": "bikes"}))
        server.on("POST", "/api/v1/experiments/bikes/runs", Answer(job("queued", subject="runs/r1"), 202))
        server.on("GET", "/api/v1/jobs/j1", *map(Answer, jobs))
        server.on("GET", "/api/v1/runs/r1", Answer(RUN))
        return millrace("train", "spec.yaml", "--wait")

    def test_shows_what_came_of_it(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        result = self.train(millrace, server, tmp_path, job("running"), job("succeeded"))
        assert result.exit_code == 0
        assert "41.2" in result.stdout

    def test_tells_why_a_job_failed(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        error = {"message": "The target has one class.", "where": "target", "fix": "Choose another."}
        result = self.train(millrace, server, tmp_path, job("failed", error=error))
        assert result.exit_code == 1
        assert "failed: The target has one class. (target)\n  Choose another." in result.stderr


class TestCompare:
    def test_has_a_column_per_run(self, millrace: Millrace, server: Server) -> None:
        comparison = {
            "runs": ["r1", "r2"],
            "states": ["finished", "failed"],
            "datasets": ["bikes@1", "bikes@2"],
            "params": {"seed": [0, 1]},
            "metrics": {"mae": [102.0, None]},
            "code_commits": [None, None],
            "differs": ["data", "environment"],
            "environments": {"numpy": ["1", "2"]},
        }
        server.on("GET", "/api/v1/runs/compare", Answer(comparison))
        lines = [line.split() for line in millrace("compare", "r1", "r2").stdout.splitlines()]
        assert server.asked[0].query == {"ids": "r1,r2"}
        assert ["data", "bikes@1", "bikes@2"] in lines
        assert ["mae", "102", "-"] in lines
        assert ["numpy", "1", "2"] in lines
        assert ["differs", "data,", "environment"] in lines


class TestPromote:
    @pytest.mark.parametrize(
        ("state", "status"), [("applied", 0), ("awaiting_approval", 0), ("failed", 1), ("inconclusive", 1)]
    )
    def test_with_wait_has_the_status_of_the_decision(
        self, millrace: Millrace, server: Server, state: str, status: int
    ) -> None:
        gate = {"gate": "champion", "verdict": "inconclusive", "message": "needs 1,200 more rows"}
        promotion = {
            "id": "p1",
            "model": "bikes",
            "version": 2,
            "champion_version": 1,
            "state": state,
            "reason": "as the gates say",
            "evidence": {"missing": []},
            "decision": {"gates": [gate]},
            "requested_at": "2026-01-01T00:00:00Z",
            "requested_by": "ada",
            "approver": None,
            "job_id": "j1",
        }
        server.on(
            "POST", "/api/v1/models/bikes/versions/2/promotions", Answer(job("queued", subject="promotions/p1"), 202)
        )
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded")))
        server.on("GET", "/api/v1/promotions/p1", Answer(promotion))
        result = millrace("promote", "bikes", "2", "--wait")
        assert result.exit_code == status
        assert "needs 1,200 more rows" in result.stdout


class TestDeploy:
    def test_with_wait_shows_what_answers_after_the_rollout(
        self, millrace: Millrace, server: Server, tmp_path: Path
    ) -> None:
        (tmp_path / "endpoint.yaml").write_text("model: bikes\n")
        endpoint: dict[str, Any] = {
            "name": "bikes",
            "model": "bikes",
            "live_version": None,
            "standby_version": 3,
            "can_roll_back": False,
            "settings": {},
            "signature": None,
            "rollout_id": "o1",
        }
        server.on("PUT", "/api/v1/endpoints/bikes", Answer(endpoint, 201))
        server.on("GET", "/api/v1/rollouts/o1", Answer({"job_id": "j1"}))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded")))
        server.on("GET", "/api/v1/endpoints/bikes", Answer(endpoint | {"live_version": 3, "rollout_id": None}))
        shown = json.loads(millrace("deploy", "bikes", "endpoint.yaml", "--wait", "--json").stdout)
        assert (shown["live_version"], shown["rollout_id"]) == (3, None)


class TestLineage:
    def test_hangs_each_link_below_the_one_that_rests_on_it(self, millrace: Millrace, server: Server) -> None:
        links = [
            {"noun": "prediction", "subject": "predictions/p1", "headline": "17.5 by bikes", "facts": {"at": "noon"}},
            {"noun": "model_version", "subject": "models/bikes/versions/2", "headline": "bikes version 2", "facts": {}},
        ]
        server.on("GET", "/api/v1/predictions/p1/lineage", Answer({"links": links}))
        said = millrace("lineage", "p1").stdout
        assert said.index("prediction: 17.5 by bikes") < said.index("model_version: bikes version 2")


class TestPredict:
    @pytest.mark.parametrize("text", ['{"hr": 8}', '[{"hr": 8}]', '{"instances": [{"hr": 8}]}'])
    def test_takes_rows_in_each_shape(self, millrace: Millrace, server: Server, tmp_path: Path, text: str) -> None:
        (tmp_path / "rows.json").write_text(text)
        server.on("POST", "/serve/bikes/predict", Answer({"predictions": [17.5], "ids": ["p1"], "model_version": 2}))
        result = millrace("predict", "bikes", "rows.json", "--json")
        assert json.loads(result.stdout)["predictions"] == [17.5]
        assert server.asked[0].json() == {"instances": [{"hr": 8}]}
