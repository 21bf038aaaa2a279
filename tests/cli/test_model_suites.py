"""Suites of models from the command line, their results as a person reads them, and models from outside."""

from pathlib import Path
from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

TEXT = "# why\nchecks:\n  - {check: metric, metric: mae, max: 60}\n"
SUITE = {
    "name": "words", "number": 2, "digest": "d" * 64, "document": TEXT, "suite": {},
    "created_at": "2026-01-01T00:00:00Z", "created_by": "ann",
}  # fmt: skip


def result(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    plain = {"gate": name, "name": name, "value": 0.5, "threshold": 0.1, "message": "so it is", "examples": []}
    return plain | {"verdict": verdict, "vacuous": False, "cached": False} | more


REPORT = {
    "verdict": "fail", "policy_version": 3, "suite": None, "dataset": None, "metrics": {"mae": 4.0}, "pins": None,
    "results": [result("overfit", "pass", cached=True)],
    "suites": [{
        "suite": "words", "version": 2, "verdict": "fail",
        "results": [result("case", "inconclusive", vacuous=True), result("typos", "fail", examples=[{"row": 7}])],
    }],
}  # fmt: skip


def test_a_suite_is_sent_as_it_is_written(millrace: Millrace, server: Server, tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text(TEXT)
    server.on("PUT", "/api/v1/models/m/suites/words", Answer(SUITE))
    done = millrace("models", "suite", "m", "words.yaml")
    assert (done.exit_code, "# why" in done.output) == (0, True)
    assert server.asked[0].body == TEXT.encode()
    server.on("PUT", "/api/v1/models/m/suites/other", Answer(SUITE))
    assert millrace("models", "suite", "m", "words.yaml", "--as", "other").exit_code == 0


def test_a_refused_suite_names_the_line(millrace: Millrace, server: Server, tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text(TEXT)
    problem = {"code": "unfit_metric", "detail": "It does not fit.", "where": "checks.0.metric", "status": 422}
    server.on("PUT", "/api/v1/models/m/suites/words", Answer(problem, status=422))
    done = millrace("models", "suite", "m", "words.yaml")
    assert done.exit_code != 0
    assert "words.yaml, line 3" in done.output


def test_results_are_told_per_suite_and_what_is_vacuous_is_no_pass(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/models/m/versions/1/checks", Answer(REPORT))
    plain = millrace("models", "checks", "m", "1").output
    assert all(word in plain for word in ("suite words 2: fail", "vacuous", "found earlier"))
    assert '{"row": 7}' not in plain
    assert '{"row": 7}' in millrace("models", "checks", "m", "1", "--examples").output


def test_a_model_from_outside_is_asked_for_with_what_is_said_of_it(millrace: Millrace, server: Server) -> None:
    job = {
        "id": "j1", "kind": "ImportModel", "subject": "models/m", "state": "queued", "progress": 0.0, "message": "",
        "attempt": 0, "max_attempts": 5, "created_at": "2026-01-01T00:00:00Z", "actor": "ann",
        "started_at": None, "ended_at": None, "result": None,
        "error": None,
    }  # fmt: skip
    server.on("POST", "/api/v1/models/m/versions", Answer(job, status=202))
    done = millrace("models", "import", "m", "models:/x/3", "--dataset", "d@1", "--unseen")
    assert done.exit_code == 0, done.output
    assert server.asked[0].json() == {
        "mlflow": "models:/x/3", "dataset": "d@1", "trained_on": None, "unseen": True, "trust": False,
    }  # fmt: skip
