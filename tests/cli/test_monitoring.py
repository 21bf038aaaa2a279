"""Watching an endpoint from the command line: traffic, the governor, a policy tried, and one alert."""

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

NOON = "2026-01-01T12:00:00Z"
FIGURES: dict[str, Any] = {
    "seconds": 30.0, "requests": 60, "requests_per_second": 2.0, "rows": 60, "refused": 3, "limited": 0, "failed": 0,
    "p50_ms": 1.25, "p95_ms": 2.5, "p99_ms": 7.5,
}  # fmt: skip
SERIES: dict[str, Any] = {
    "now": FIGURES, "total": FIGURES | {"requests": 720}, "points": [{"at": NOON, **FIGURES}],
    "errors": [{"code": "wrong_type", "status": 422, "count": 3}],
}  # fmt: skip
TRAFFIC = {
    "endpoint": "e", "as_of": NOON, "processes": 2, "since": NOON, "until": NOON, "bucket_seconds": 30,
    "together": SERIES,
    "versions": [
        {"version": 2, "colour": "green", "role": "standby", "share": 0.0, **SERIES},
        {"version": None, "colour": None, "role": None, "share": None, **SERIES},
    ],
}  # fmt: skip
RULING = {
    "seq": 9, "at": NOON, "pipeline": "p", "started": False, "rule": "cooldown", "reason": "The last one just started.",
    "run_id": None, "window_id": "w1",
}  # fmt: skip
GOVERNOR = {
    "endpoint": "e", "policy": {}, "windows": ["drifted", "quiet"], "windows_bad": 1, "windows_needed": 2,
    "windows_seen": 3, "broken_columns": ["hum"], "would_start_now": False, "rulings": [RULING],
    "pipelines": [{
        "pipeline": "p", "would_start_now": False, "rule": "broken_data", "reason": "Look at hum first.",
        "in_flight": None, "budget": 4, "budget_used": 1, "budget_left": 3, "cooldown_until": NOON, "failed_gates": 1,
        "max_failed_gates": 3, "breaker_open": False, "last_started_at": NOON,
    }],
}  # fmt: skip
VERDICTS = {"quiet": 1, "drifted": 1, "degraded": 0, "broken": 0}
SIDE: dict[str, Any] = {
    "policy": {}, "governor": {}, "verdicts": VERDICTS, "unknown": 0, "alerts": [], "retrains": 1,
    "refusals": {"cooldown": 2}, "rulings": [],
}  # fmt: skip
WINDOW = {
    "id": "w1", "version": 1, "first_at": NOON, "last_at": NOON, "at": NOON, "rows": 500, "recorded": "drifted",
    "present": "drifted", "proposed": None, "drifted": [], "broken": [], "unknown": "It was not kept.",
}  # fmt: skip
BACKTEST = {
    "endpoint": "e", "metric": "mae", "changed": 0, "assumptions": ["A retrain takes 90 s."], "present": SIDE,
    "proposed": SIDE | {"unknown": 1}, "windows": [WINDOW],
    "recorded": {"verdicts": VERDICTS, "alerts": 5, "retrains": 0, "refusals": {}},
}  # fmt: skip
ALERT: dict[str, Any] = {
    "id": "a1", "endpoint": "e", "model": None, "kind": "drift", "severity": "warn", "state": "open",
    "reason": "1 of 2 features drifted.", "next_step": "Look.", "window_id": "w1", "occurrences": 1, "opened_at": NOON,
    "last_seen_at": NOON, "acknowledged_by": None, "acknowledged_at": None, "note": None, "resolved_by": None,
    "resolved_at": None,
}  # fmt: skip
SEEN = {
    "id": "w1", "version": 1, "state": "closed", "verdict": "drifted", "rows": 500, "opened_at": NOON,
    "closed_at": NOON,
    "drift": {"drifted": ["temp"], "features": []}, "performance": None,
}  # fmt: skip


def test_traffic_is_told_by_version(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/endpoints/e/traffic", Answer(TRAFFIC))
    told = millrace("endpoints", "traffic", "e", "--bucket", "30")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in ("green", "none", "720", "7.5", "wrong_type", "2 serving processes"))
    assert server.asked[0].query == {"bucket_seconds": "30"}


def test_the_governor_says_why(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/endpoints/e/governor", Answer(GOVERNOR))
    told = millrace("governor", "e")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in ("1 of the last 2", "hum", "broken_data", "3 of 4", "refused"))


def test_a_policy_is_tried(millrace: Millrace, server: Server, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("policy: {max_effect: 0.3}\n")
    server.on("POST", "/api/v1/endpoints/e/drift/backtest", Answer(BACKTEST))
    told = millrace("backtest", "e", "policy.yaml", "--limit", "50")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in ("proposed", "It was not kept.", "90 s", "cooldown=2"))
    assert json.loads(server.asked[0].body) == {"policy": {"max_effect": 0.3}, "limit": 50}


def test_a_mistake_in_the_policy_is_told_with_its_line(millrace: Millrace, server: Server, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("policy:\n  metric: mse\n")
    problem = {"title": "Unfit metric", "detail": "No metric 'mse'.", "code": "unfit_metric", "where": "policy.metric"}
    server.on("POST", "/api/v1/endpoints/e/drift/backtest", Answer(problem, 422))
    told = millrace("backtest", "e", "policy.yaml")
    assert told.exit_code != 0
    assert "No metric 'mse'." in told.stderr


def test_an_alert_is_shown_with_what_followed(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/alerts/a1", Answer(ALERT | {"window": SEEN, "rulings": [RULING]}))
    told = millrace("alerts", "show", "a1")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in ("1 of 2 features drifted.", "temp", "cooldown"))


def test_alerts_are_found_and_acknowledged_with_a_note(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/alerts", Answer({"items": [ALERT], "next_cursor": None}))
    server.on("POST", "/api/v1/alerts/a1/acknowledge", Answer(ALERT | {"state": "acknowledged", "note": "looking"}))
    assert "drift" in millrace("alerts", "list", "--endpoint", "e", "--kind", "drift").output
    assert millrace("alerts", "ack", "a1", "-m", "looking").exit_code == 0
    asked, sent = server.asked
    assert (asked.query["endpoint"], asked.query["kind"], json.loads(sent.body)) == ("e", "drift", {"note": "looking"})
