"""Following what happens: over broken connections, behind the last event seen, one line of JSON each."""

import json
from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

STREAM = "/api/v1/jobs/j1/events"


def spoken(*events: tuple[str | None, str, Any]) -> Answer:
    """A stream of events that ends after the last one, as when a server stops."""
    parts = [
        (f"id: {number}\n" if number else "") + f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for number, name, data in events
    ]
    return Answer("".join(["retry: 2000\n\n", *parts]).encode(), kind="text/event-stream")


def line(number: int) -> dict[str, Any]:
    return {"seq": number, "at": "2026-01-01T00:00:00Z", "level": "info", "line": f"line {number}"}


class TestJobLogs:
    def test_go_on_behind_the_last_line_when_the_server_restarts(self, millrace: Millrace, server: Server) -> None:
        server.on(
            "GET",
            STREAM,
            spoken(("1", "log", line(1)), (None, "job", {"state": "running"})),
            Answer({"title": "Starting", "detail": "Not ready."}, 503),
            spoken(("2", "log", line(2)), (None, "job", {"state": "succeeded"})),
        )
        result = millrace("jobs", "logs", "j1", "-f", "--json")
        assert [json.loads(said)["seq"] for said in result.stdout.splitlines()] == [1, 2]
        assert [asked.headers.get("last-event-id") for asked in server.asked] == [None, "1", "1"]
        assert (result.exit_code, result.stderr) == (0, "")

    def test_say_once_that_the_connection_broke(self, millrace: Millrace, server: Server) -> None:
        ended = spoken((None, "job", {"state": "cancelled"}))
        server.on("GET", STREAM, spoken(("1", "log", line(1))), ended)
        result = millrace("jobs", "logs", "j1", "-f")
        assert (result.exit_code, result.stderr.splitlines()) == (
            1,
            ["The server ended the stream.", "Job j1 cancelled."],
        )

    def test_end_when_the_job_is_unknown(self, millrace: Millrace, server: Server) -> None:
        assert millrace("jobs", "logs", "j2", "-f").exit_code == 4
        assert len(server.asked) == 1


class TestEvents:
    def test_begin_behind_the_newest(self, millrace: Millrace, server: Server) -> None:
        event = {"seq": 8, "at": "2026-01-01T00:00:00Z", "type": "DriftDetected", "subject": "endpoints/bikes"}
        event |= {"actor": "ada", "payload": {}}
        server.on("GET", "/api/v1/events", Answer({"items": [event | {"seq": 7}], "next_cursor": None}))
        refused = Answer({"title": "Unauthorized", "detail": "The token has expired."}, 401)
        server.on("GET", "/api/v1/events/stream", spoken(("8", "DriftDetected", event)), refused)
        result = millrace("events", "-f", "--type", "DriftDetected", "--json")
        assert json.loads(result.stdout) == event
        assert [asked.headers.get("last-event-id") for asked in server.asked[1:]] == ["7", "8"]
        assert result.exit_code == 5


class TestWait:
    def test_bears_a_server_that_restarts(self, millrace: Millrace, server: Server) -> None:
        job = {
            "id": "j1",
            "kind": "CollectGarbage",
            "progress": 0,
            "message": "",
            "error": None,
            "subject": "gc/plans/p",
        }
        server.on("POST", "/api/v1/promotions/p1/replay", Answer(job | {"state": "queued"}, 202))
        away = Answer({"title": "Away", "detail": "Draining."}, 503)
        failed = job | {"state": "failed", "error": {"message": "The rows are gone."}}
        server.on("GET", "/api/v1/jobs/j1", away, Answer(failed))
        result = millrace("promotions", "replay", "p1")
        assert (result.exit_code, "The rows are gone." in result.stderr) == (1, True)
