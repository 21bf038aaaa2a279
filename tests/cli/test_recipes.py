"""`millrace data build`, `data recipe` and `data quarantine`: what they send, and what they show."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server
from tests.cli.test_nouns import version

CLEAN = "/api/v1/datasets/clean"
RECIPE = """\
concat: [rides]
follows: [rides]
steps:
  - {step: filter, where: hum > 0}
  - step: join
    version: stations
    on: [station]
"""
BODY: dict[str, Any] = {
    "concat": ["rides"],
    "steps": [
        {"step": "filter", "where": "hum > 0"},
        {"step": "join", "version": "stations", "on": ["station"]},
    ],
}


def job(state: str, **more: Any) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    times = {"created_at": at, "started_at": at, "ended_at": at}
    told = {"id": "j1", "kind": "BuildVersion", "subject": "datasets/clean/versions", "state": state, "message": ""}
    return {
        **told,
        **times,
        "progress": 1,
        "attempt": 1,
        "max_attempts": 3,
        "actor": "ada",
        "error": None,
        "result": None,
    } | more


@pytest.fixture
def clean(server: Server, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    server.on("GET", CLEAN, Answer({"name": "clean"}))


def declared(recipe: dict[str, Any]) -> Answer:
    return Answer(
        {"version": 2, "recipe": {"where": None, "unique": [], "fit_on": None, "follows": ["rides"], **recipe}}
    )


@pytest.mark.usefixtures("clean")
class TestBuild:
    def test_orders_what_the_file_says(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", f"{CLEAN}/versions", Answer(job("queued"), 202))
        result = millrace("data", "build", "clean", "recipe.yaml", "-m", "dry")
        assert result.exit_code == 0, result.stderr
        assert server.asked[-1].json() == {"source": {"kind": "recipe", **BODY}, "message": "dry"}

    def test_without_a_file_takes_the_declared_recipe(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", f"{CLEAN}/recipe", declared(BODY))
        server.on("POST", f"{CLEAN}/versions", Answer(job("queued"), 202))
        assert millrace("data", "build", "clean").exit_code == 0
        sent = server.asked[-1].json()["source"]
        assert (sent["steps"], "follows" in sent) == (BODY["steps"], False)

    def test_waits_for_the_version_and_warns_of_what_it_learned(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", f"{CLEAN}/versions", Answer(job("queued"), 202))
        done = job("succeeded", result={"dataset": "clean", "number": 4, "version_id": "v", "leakage": True})
        server.on("GET", "/api/v1/jobs/j1", Answer(done))
        server.on("GET", "/api/v1/jobs", Answer({"items": [], "next_cursor": None}))
        fitted = [{"place": "steps.1", "step": "fill", "learned_on": ["rides@3"], "own_rows": True, "values": {}}]
        source = {"kind": "recipe", "concat": ["rides@3"], "steps": [], "fitted": fitted, "leakage": True}
        made = version(4, dataset="clean", state="validated", source=source)
        server.on("GET", f"{CLEAN}/versions/4", Answer(made))
        result = millrace("data", "build", "clean", "recipe.yaml", "--wait")
        assert result.exit_code == 0, result.stderr
        assert "rides@3" in result.stdout
        assert "steps.1 fill on rides@3" in result.stdout
        assert "do not judge a model here" in result.stdout

    def test_a_refusal_names_the_line_of_the_file(self, millrace: Millrace, server: Server) -> None:
        problem = {"detail": "no such thing", "where": "body.source.steps.1.version", "code": "invalid_request"}
        server.on("POST", f"{CLEAN}/versions", Answer(problem, 422, "application/problem+json"))
        result = millrace("data", "build", "clean", "recipe.yaml")
        assert result.exit_code != 0
        assert "recipe.yaml, line 6" in result.stderr


@pytest.mark.usefixtures("clean")
class TestRecipe:
    def test_set_sends_the_file_and_shows_what_counts(self, millrace: Millrace, server: Server) -> None:
        server.on("PUT", f"{CLEAN}/recipe", declared(BODY))
        result = millrace("data", "recipe", "set", "clean", "recipe.yaml")
        assert result.exit_code == 0, result.stderr
        assert server.asked[-1].json() == {**BODY, "follows": ["rides"]}
        assert "where=hum > 0" in result.stdout

    def test_show_and_remove(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", f"{CLEAN}/recipe", declared(BODY))
        assert "follows" in millrace("data", "recipe", "show", "clean").stdout
        server.on("DELETE", f"{CLEAN}/recipe", Answer(b"", 204))
        result = millrace("data", "recipe", "remove", "clean")
        assert (result.exit_code, server.asked[-1].method) == (0, "DELETE")


class TestQuarantine:
    def test_orders_the_split_and_shows_both_parts(self, millrace: Millrace, server: Server) -> None:
        parts = {
            "clean": {"dataset": "clean", "number": 8, "rows": 90},
            "failing": {"dataset": "clean-quarantine", "number": 1, "rows": 10},
            "checks": {"in_range(age)": 10},
        }
        server.on("POST", f"{CLEAN}/versions/7/quarantine", Answer(job("queued"), 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded", result=parts)))
        result = millrace("data", "quarantine", "clean@7", "--warnings", "--failing", "bad", "--wait")
        assert result.exit_code == 0, result.stderr
        sent = server.asked[0].json()
        assert (sent["warnings"], sent["failing"], sent["clean"]) == (True, "bad", None)
        for words in ("clean@8", "clean-quarantine@1", "in_range(age)"):
            assert words in result.stdout
