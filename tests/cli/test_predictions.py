"""Batches and explanations from the command line."""

from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

JOB: dict[str, Any] = {
    "id": "j1", "kind": "PredictBatch", "subject": "batch-predictions/b1", "state": "succeeded", "progress": 1.0,
    "message": "", "attempt": 1, "max_attempts": 3, "created_at": "2026-01-01T00:00:00Z", "started_at": None,
    "ended_at": None, "actor": "ann", "error": None, "result": {},
}  # fmt: skip
BATCH = {
    "id": "b1", "job_id": "j1", "state": "succeeded", "input": "rides@7", "model": "rides@3", "output": "scored@1",
    "rows_scored": 9, "rows": 9, "bad_rows": 1, "bad": [{"row": 4, "reason": "Column 'hour' is null."}],
    "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
EXPLANATION = {
    "model": "rides", "version": 3, "explains": "count", "prediction": 12.5, "base_value": 10.0,
    "method": "shapley_exact",
    "contributions": [
        {"feature": "hour", "value": 5, "contribution": 2.0, "standard_error": 0.25},
        {"feature": "temp", "value": None, "contribution": 0.5, "standard_error": None},
    ],
}  # fmt: skip


RECENT: dict[str, Any] = {
    "endpoint": "bikes", "model": "rides", "as_of": "2026-01-01T12:00:00Z", "recording": True, "reason": None,
    "predictions": [
        {
            "id": "01a2163e-c838-7744-9a2a-e8d893771caa", "at": "2026-01-01T11:59:00Z", "version": 3, "mode": "live",
            "latency_us": 1250, "prediction": 12.5, "ground_truth": None,
        },
    ],
}  # fmt: skip
NONE = RECENT | {"recording": False, "reason": "Recording is off.", "predictions": []}


def test_recent_answers_are_read_by_a_job_and_shown_with_their_ids(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/endpoints/bikes/predictions", Answer(JOB | {"state": "queued"}, 202), Answer(RECENT))
    server.on("GET", "/api/v1/jobs/j1", Answer(JOB))
    done = millrace("predictions", "bikes", "--limit", "5")
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("01a2163e-c838-7744-9a2a-e8d893771caa", "live", "12.5", "1.25"))
    assert [one.path for one in server.asked].count("/api/v1/endpoints/bikes/predictions") == 2


def test_where_there_are_none_the_reason_is_said(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/endpoints/bikes/predictions", Answer(NONE))
    assert "Recording is off." in millrace("predictions", "bikes").output


def test_a_batch_is_ordered_waited_for_and_shown(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/datasets/scored", Answer({"name": "scored"}))
    server.on("POST", "/api/v1/batch-predictions", Answer(JOB, status=202))
    server.on("GET", "/api/v1/jobs/j1", Answer(JOB))
    server.on("GET", "/api/v1/batch-predictions/b1", Answer(BATCH))
    done = millrace(
        *("predict-batch", "rides@7", "scored", "--model", "rides@3", "--keep", "id", "--on-bad-row", "null", "--wait")
    )
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("scored@1", "rides@3", "Column 'hour' is null."))
    (asked,) = [one for one in server.asked if one.method == "POST"]
    assert asked.json() == {
        "dataset": "rides@7", "model": "rides@3", "endpoint": None, "into": "scored", "keep": ["id"], "engine": "auto",
        "on_bad_row": "null",
    }  # fmt: skip


def test_an_explanation_is_ordered_waited_for_and_shown(millrace: Millrace, server: Server) -> None:
    server.on("POST", "/api/v1/predictions/p1/explanation", Answer(JOB, status=202))
    server.on("GET", "/api/v1/jobs/j1", Answer(JOB))
    server.on("GET", "/api/v1/predictions/p1/explanation", Answer(EXPLANATION))
    done = millrace("explain", "p1")
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("hour", "+2", "0.25", "+0.5", "rides@3", "12.5"))
