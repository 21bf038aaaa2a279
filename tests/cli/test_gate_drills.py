"""Gate drills from the command line."""

import json
from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server


def mutant(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    plain = {"mutant": name, "of": "model", "outcome": outcome, "verdict": "pass", "caught_by": [], "figures": {}}
    return plain | {"message": "so it is"} | more


DRILL = {
    "id": "g1", "model": "m", "version": 3, "policy_version": 2, "job_id": "j1", "state": "succeeded", "got_through": 1,
    "result": {
        "rows": 10, "frozen_rows": 5, "data_rows": 20, "notes": ["Not drilled: memory."],
        "mutants": [mutant("slow", "caught", caught_by=["latency"]), mutant("shuffled_labels", "got_through")],
    },
}  # fmt: skip
JOB = {
    "id": "j1", "kind": "DrillGates", "subject": "gate-drills/g1", "state": "succeeded", "progress": 1.0, "message": "",
    "attempt": 1, "max_attempts": 3, "created_at": "2026-01-01T00:00:00Z", "started_at": None, "ended_at": None,
    "actor": "ann", "error": None, "result": {},
}  # fmt: skip


def test_what_got_through_is_told(millrace: Millrace, server: Server) -> None:
    server.on("POST", "/api/v1/models/m/gate-drill", Answer(JOB, status=202))
    server.on("GET", "/api/v1/jobs/j1", Answer(JOB))
    server.on("GET", "/api/v1/gate-drills/g1", Answer(DRILL))
    done = millrace("models", "drill", "m", "--wait")
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("got through", "latency", "1 got through", "Not drilled: memory."))


def test_a_schedule_is_set_and_ended(millrace: Millrace, server: Server) -> None:
    said = {"model": "m", "every_days": 7, "due_at": "2026-01-01T00:00:00Z"}
    server.on("PUT", "/api/v1/models/m/gate-drill-schedule", Answer(said))
    assert millrace("models", "drill", "m", "--every", "7").exit_code == 0
    assert millrace("models", "drill", "m", "--every", "0").exit_code == 0
    assert [json.loads(asked.body) for asked in server.asked] == [{"every_days": 7}, {"every_days": None}]
