"""Commands that keep, let go and look after: delete, pin, verify, collections."""

from typing import Any, ClassVar

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server
from tests.cli.test_nouns import job, version

VERSION = "/api/v1/datasets/bikes/versions/3"
PLANS = "/api/v1/gc/plans"


def plan(state: str, **more: Any) -> dict[str, Any]:
    roots = [{"kind": "dataset_versions", "looked_at": 4, "keeps": 10, "bytes": 2_000}]
    return {
        "id": "p1", "state": state, "reason": "", "executable_at": "2026-01-04T00:00:00Z", "roots": roots,
        "contents": 1, "content_bytes": 900, "chunks": 2, "packs": 1, "orphans": 0, "freed_bytes": 1_200,
        "receipt": None, "created_at": "2026-01-01T00:00:00Z", "created_by": "ada", "executed_at": None,
        "executed_by": None,
    } | more  # fmt: skip


CONTENT = {
    "digest": "d41d8cd98f00b204e9800998ecf8427e", "size": 900, "origin": "bikes@3 hour.csv",
    "last_needed_at": "2026-01-01T00:00:00Z", "outcome": "planned", "reason": "",
}  # fmt: skip
RECEIPT = {
    "contents": 1, "content_bytes": 900, "skipped": 0, "chunks": 2, "packs": 1, "orphans": 0, "compacted": 0,
    "freed_bytes": 1_200, "later_bytes": 0,
}  # fmt: skip


def serve_plan(server: Server, state: str, **more: Any) -> None:
    server.on("GET", f"{PLANS}/p1", Answer(plan(state, **more)))
    server.on("GET", f"{PLANS}/p1/contents", Answer({"items": [CONTENT], "next_cursor": None}))


class TestData:
    def test_delete_says_why(self, millrace: Millrace, server: Server) -> None:
        server.on("DELETE", VERSION, Answer(version(3, state="deleted")))
        result = millrace("data", "delete", "bikes@3", "-m", "too old")
        assert (result.exit_code, "deleted" in result.stdout) == (0, True)
        assert server.asked[-1].query == {"reason": "too old"}

    def test_delete_wants_a_number(self, millrace: Millrace) -> None:
        result = millrace("data", "delete", "bikes")
        assert (result.exit_code, "which version" in result.stderr) == (2, True)

    def test_a_refusal_names_what_needs_it(self, millrace: Millrace, server: Server) -> None:
        refusal = {"detail": "Version 3 is needed by endpoint rides.", "code": "version_in_use", "fix": "It stays."}
        server.on("DELETE", VERSION, Answer(refusal, 409, "application/problem+json"))
        result = millrace("data", "delete", "bikes@3")
        assert (result.exit_code, "endpoint rides" in result.stderr) == (1, True)

    def test_pin_and_unpin(self, millrace: Millrace, server: Server) -> None:
        pinned = {"reason": "cited", "pinned_at": "2026-01-01T00:00:00Z", "pinned_by": "ada"}
        server.on("PUT", f"{VERSION}/pin", Answer(pinned))
        server.on("DELETE", f"{VERSION}/pin", Answer(b"", 204))
        assert "cited" in millrace("data", "pin", "bikes@3", "-m", "cited").stdout
        assert server.asked[-1].json() == {"reason": "cited"}
        assert millrace("data", "unpin", "bikes@3").exit_code == 0

    def test_needs(self, millrace: Millrace, server: Server) -> None:
        needs = [{"noun": "run", "what": "r1", "why": "finished"}]
        server.on("GET", f"{VERSION}/needs", Answer({"items": needs}))
        assert "finished" in millrace("data", "needs", "bikes@3").stdout


class TestVerify:
    READ: ClassVar[dict[str, Any]] = {
        "scope": None, "state": "clean", "deep": False, "packs": 1, "bytes": 10, "chunks": 1, "contents": 1,
        "ended_at": None,
    }  # fmt: skip

    def serve(self, server: Server, read: dict[str, Any], findings: list[dict[str, Any]]) -> None:
        server.on("POST", "/api/v1/verifications", Answer(job("queued", subject="verifications/v1"), 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded")))
        server.on("GET", "/api/v1/verifications/v1", Answer(read))
        server.on("GET", "/api/v1/verifications/v1/findings", Answer({"items": findings, "next_cursor": None}))

    def test_of_a_whole_store_is_fine(self, millrace: Millrace, server: Server) -> None:
        self.serve(server, self.READ, [])
        result = millrace("data", "verify")
        assert (result.exit_code, "Nothing is damaged" in result.stdout) == (0, True)
        assert next(asked for asked in server.asked if asked.method == "POST").json() == {"deep": False}

    def test_exits_with_1_and_names_what_is_damaged(self, millrace: Millrace, server: Server) -> None:
        finding = {
            "kind": "chunk_damaged", "detail": "packs/1 at byte 7", "pack_id": "1", "chunks": ["ab"],
            "content": None, "affected": ["bikes@3 hour.csv"],
        }  # fmt: skip
        self.serve(server, {**self.READ, "state": "damaged", "scope": "bikes@3"}, [finding])
        result = millrace("data", "verify", "bikes@3", "--deep")
        assert (result.exit_code, "bikes@3 hour.csv" in result.stdout) == (1, True)
        sent = next(asked for asked in server.asked if asked.method == "POST").json()
        assert sent == {"deep": True, "dataset": "bikes", "number": 3}

    def test_takes_a_name_or_all(self, millrace: Millrace) -> None:
        assert millrace("data", "verify", "bikes", "--all").exit_code == 2


class TestCollections:
    def test_plan_shows_what_would_go_and_why(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", PLANS, Answer(job("queued", subject="gc/plans/p1"), 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded")))
        serve_plan(server, "ready")
        result = millrace("gc", "plan")
        assert result.exit_code == 0, result.output
        assert "bikes@3 hour.csv" in result.stdout
        assert "dataset_versions" in result.stdout
        assert "millrace gc run p1" in result.stderr

    def test_run_shows_the_receipt(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", f"{PLANS}/p1/execute", Answer(job("queued", subject="gc/plans/p1"), 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(job("succeeded")))
        serve_plan(server, "done", receipt=RECEIPT)
        result = millrace("gc", "run", "p1", "--wait")
        assert (result.exit_code, "1 contents (900 B), 2 chunks" in result.stdout) == (0, True)

    def test_list_show_and_cancel(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", PLANS, Answer({"items": [plan("done", receipt=RECEIPT)], "next_cursor": None}))
        server.on("POST", f"{PLANS}/p1/cancel", Answer(plan("cancelled")))
        serve_plan(server, "ready")
        assert "1.2 kB" in millrace("gc", "list").stdout
        assert "ready" in millrace("gc", "show", "p1").stdout
        assert "cancelled" in millrace("gc", "cancel", "p1").stdout
