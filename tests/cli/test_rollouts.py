"""`millrace rollout …`: what is asked, and what a person is shown."""

from typing import Any

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

FINDING: dict[str, Any] = {
    "name": "faults",
    "verdict": "fail",
    "control": 0.001,
    "candidate": 0.25,
    "control_of": 1000,
    "candidate_of": 40,
    "e_value": 1e6,
    "fails_at": 80.0,
    "sentence": "The candidate failed 10 of 40 requests.",
}
ROLLOUT: dict[str, Any] = {
    "id": "o1",
    "endpoint": "bikes",
    "version": 7,
    "blue_version": 6,
    "state": "rolled_back",
    "strategy": {"strategy": "canary"},
    "steps": [{"name": "Step 1 of 2 (5%)", "share": 0.05, "mirror": 0.1}, {"name": "b", "share": 0.5, "mirror": 0.1}],
    "step": 0,
    "reason": "The candidate failed 10 of 40 requests.",
    "analysis": {
        "verdict": "fail",
        "at": "2026-01-01T00:00:00Z",
        "findings": [FINDING],
        "waits_for": [],
        "requests": {"control": 1000, "candidate": 40, "mirrored": 90},
        "late": None,
    },
    "history": [
        {"at": "2026-01-01T00:00:00Z", "state": "canary", "step": 0, "by": "ada", "reason": "validated"},
        {"at": "2026-01-01T00:00:09Z", "state": "rolled_back", "step": 0, "by": "platform", "reason": "10 of 40"},
    ],
    "probe": {"rows": 200, "source": "recorded rows"},
    "started_by": "ada",
    "started_at": "2026-01-01T00:00:00Z",
    "ended_at": "2026-01-01T00:00:09Z",
    "watched_until": None,
}
JOB = {"id": "j1", "kind": "RollOut", "subject": "rollouts/o1", "state": "succeeded", "progress": 1.0, "message": ""}


class TestStart:
    def start(self, millrace: Millrace, server: Server, *options: str) -> Any:
        server.on("POST", "/api/v1/endpoints/bikes/rollouts", Answer(JOB | {"error": None}, 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(JOB))
        server.on("GET", "/api/v1/rollouts/o1", Answer(ROLLOUT))
        return millrace("rollout", "start", "bikes", "7", "--wait", *options)

    @pytest.mark.parametrize(
        ("options", "strategy"),
        [
            ([], None),
            (["--strategy", "shadow"], {"strategy": "shadow"}),
            (["--steps", "5,25"], {"strategy": "canary", "steps": [{"share": 0.05}, {"share": 0.25}]}),
        ],
    )
    def test_says_by_which_strategy(
        self, millrace: Millrace, server: Server, options: list[str], strategy: dict[str, Any] | None
    ) -> None:
        assert self.start(millrace, server, *options).exit_code == 0
        assert server.asked[0].json().get("strategy") == strategy

    def test_takes_a_whole_strategy_from_a_file(self, millrace: Millrace, server: Server, tmp_path: Any) -> None:
        (tmp_path / "canary.yaml").write_text("strategy: canary\nsteps: [{share: 0.1, pause: true}]\n")
        assert self.start(millrace, server, "--spec", "canary.yaml").exit_code == 0
        assert server.asked[0].json()["strategy"]["steps"] == [{"share": 0.1, "pause": True}]

    @pytest.mark.parametrize(
        "options", [["--steps", "5,x"], ["--steps", "5", "--strategy", "ab"], ["--spec", "s.yaml", "--steps", "5"]]
    )
    def test_refuses_what_makes_no_sense(self, millrace: Millrace, server: Server, options: list[str]) -> None:
        assert self.start(millrace, server, *options).exit_code == 2
        assert server.asked == []


class TestShow:
    def test_by_the_name_of_the_endpoint_shows_the_findings_and_who_did_what(
        self, millrace: Millrace, server: Server
    ) -> None:
        server.on("GET", "/api/v1/rollouts/bikes", Answer({"code": "unknown_rollout"}, 404))
        page = {"items": [ROLLOUT], "next_cursor": None}
        server.on("GET", "/api/v1/endpoints/bikes/rollouts", Answer(page))
        shown = millrace("rollout", "show", "bikes").stdout
        for text in ("faults", "0.10% of 1,000", "25.00% of 40", "The candidate failed 10 of 40", "Step 1 of 2", "ada"):
            assert text in shown


class TestAdvance:
    def test_names_the_step_it_was_seen_at(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/rollouts/o1", Answer(ROLLOUT | {"state": "canary"}))
        server.on("POST", "/api/v1/rollouts/o1/advance", Answer(ROLLOUT | {"step": 1}))
        assert millrace("rollout", "advance", "o1", "-m", "go").exit_code == 0
        assert server.asked[-1].json() == {"step": 0, "reason": "go"}


class TestWatch:
    @pytest.mark.parametrize(("state", "status"), [("rolled_back", 1), ("switched", 0)])
    def test_tells_what_happens_until_the_end(
        self, millrace: Millrace, server: Server, state: str, status: int
    ) -> None:
        going = ROLLOUT | {"state": "canary", "history": ROLLOUT["history"][:1]}
        server.on("GET", "/api/v1/rollouts/o1", Answer(going), Answer(going), Answer(ROLLOUT | {"state": state}))
        result = millrace("rollout", "watch", "o1")
        assert result.exit_code == status
        assert result.stderr.count("canary by ada") == 1
        assert "rolled_back by platform. 10 of 40" in result.stderr
