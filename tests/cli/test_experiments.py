"""`millrace runs list`, `runs reproduce` and `sweep …`: what they ask, what they show, and how they end."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

FINDING = {"reasons": ["mae differs."], "metrics": [], "predictions": None}


def sweep(state: str, **changes: Any) -> dict[str, Any]:
    trial = {
        "number": 1, "state": "finished", "params": {"strength": 0.5}, "value": 41.25, "run_id": "r1", "reason": "",
        "ended_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    whole = {
        "id": "s1", "experiment": "bikes", "state": state, "reason": "", "total": 1, "counts": {"finished": 1},
        "spec": {
            "base": {"dataset": "bikes@1", "trainer": "linear"},
            "objective": {"metric": "validation_mae", "goal": "min"},
        },
        "best": trial, "trials": [trial], "created_by": "ann", "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return whole | changes


def test_list_asks_for_what_was_said(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/runs", Answer({"items": [], "next_cursor": None}))
    assert millrace("runs", "list", "--filter", "metrics.mae < 5", "--sort", "-params.depth").exit_code == 0
    assert server.asked[0].query == {"limit": "50", "filter": "metrics.mae < 5", "sort": "-params.depth"}


@pytest.mark.parametrize(("verdict", "status"), [("bit_identical", 0), ("within_tolerance", 0), ("not_reproduced", 1)])
def test_reproduce_with_wait_ends_with_the_verdict(
    millrace: Millrace, server: Server, verdict: str, status: int
) -> None:
    job = {"id": "j1", "state": "succeeded", "progress": 1.0, "message": "", "kind": "ReproduceRun", "error": None}
    result = {"reproduction_id": "p1", "verdict": verdict}
    made = {"run_id": "r1", "again_id": "r2", "verdict": verdict, "tolerance": 1e-6, "finding": FINDING}
    server.on("POST", "/api/v1/runs/r1/reproduce", Answer(job, 202))
    server.on("GET", "/api/v1/jobs/j1", Answer(job | {"result": result}))
    server.on("GET", "/api/v1/reproductions/p1", Answer(made))
    ended = millrace("runs", "reproduce", "r1", "--wait")
    assert ended.exit_code == status
    assert verdict in ended.stdout
    assert "mae differs." in ended.stdout


@pytest.mark.parametrize(("state", "status"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_a_sweep_with_wait_ends_as_it_ended(
    millrace: Millrace, server: Server, tmp_path: Path, state: str, status: int
) -> None:
    (tmp_path / "sweep.yaml").write_text("base: {model: bikes}\nspace: {strength: [0.5]}\n")
    server.on("GET", "/api/v1/experiments/bikes", Answer({"name": "bikes"}))
    server.on("POST", "/api/v1/experiments/bikes/sweeps", Answer(sweep("running"), 202))
    server.on("GET", "/api/v1/sweeps/s1", Answer(sweep(state)))
    ended = millrace("sweep", "start", "sweep.yaml", "--wait")
    assert ended.exit_code == status
    assert "41.25" in ended.stdout


def test_sweeps_are_listed_with_their_best(millrace: Millrace, server: Server) -> None:
    rows = [sweep("running"), sweep("running", id="s2", best=None)]
    server.on("GET", "/api/v1/sweeps", Answer({"items": rows, "next_cursor": None}))
    shown = millrace("sweep", "list").stdout
    assert "strength=0.5" in shown
    assert "s2" in shown


def test_a_sweep_is_cancelled(millrace: Millrace, server: Server) -> None:
    server.on("POST", "/api/v1/sweeps/s1/cancel", Answer(sweep("cancelled", reason="cancelled by ann")))
    assert "cancelled by ann" in millrace("sweep", "cancel", "s1").stdout
