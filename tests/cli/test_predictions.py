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
