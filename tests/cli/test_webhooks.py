"""`millrace webhooks …`: who is told, and what became of it."""

from typing import Any

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

WEBHOOK: dict[str, Any] = {
    "name": "chat", "url": "https://chat.example/in", "types": ["AlertOpened"], "subject": None, "active": True,
    "failures": 0, "off_because": None, "revision": 1, "created_at": "2026-01-01T00:00:00Z", "created_by": "ada",
}  # fmt: skip
DELIVERY: dict[str, Any] = {
    "id": "d1", "type": "AlertOpened", "subject": "alerts/1", "state": "failed", "asked_by": None, "job_id": "j1",
    "attempts": [
        {"at": "2026-01-01T00:00:00Z", "status": 500, "milliseconds": 12, "answer": "no", "error": None},
        {"at": "2026-01-01T00:00:02Z", "status": None, "milliseconds": 9, "answer": "", "error": "It is away."},
    ],
    "created_at": "2026-01-01T00:00:00Z", "ended_at": None,
}  # fmt: skip


def test_create_shows_the_secret(millrace: Millrace, server: Server) -> None:
    server.on("POST", "/api/v1/webhooks", Answer({**WEBHOOK, "secret": "whsec_x"}, 201))
    result = millrace("webhooks", "create", "chat", "https://chat.example/in", "--type", "AlertOpened")
    assert (result.exit_code, "whsec_x" in result.stdout) == (0, True)
    assert server.asked[-1].json() == {
        "name": "chat", "url": "https://chat.example/in", "types": ["AlertOpened"], "subject": None,
    }  # fmt: skip


def test_list_says_why_one_is_off(millrace: Millrace, server: Server) -> None:
    off = WEBHOOK | {"active": False, "off_because": "5 deliveries in a row failed"}
    server.on("GET", "/api/v1/webhooks", Answer({"items": [off], "next_cursor": None}))
    assert "5 deliveries in a row failed" in millrace("webhooks", "list").stdout


def test_deliveries_show_the_last_answer(millrace: Millrace, server: Server) -> None:
    server.on("GET", "/api/v1/webhooks/chat/deliveries", Answer({"items": [DELIVERY], "next_cursor": None}))
    result = millrace("webhooks", "deliveries", "chat", "--state", "failed")
    assert "It is away." in result.stdout
    assert server.asked[-1].query["state"] == "failed"


def test_on_off_test_redeliver_and_delete_ask_for_just_that(millrace: Millrace, server: Server) -> None:
    server.on("PATCH", "/api/v1/webhooks/chat", Answer(WEBHOOK))
    server.on("POST", "/api/v1/webhooks/chat/test", Answer(DELIVERY, 202))
    server.on("POST", "/api/v1/webhook-deliveries/d1/redeliver", Answer(DELIVERY, 202))
    server.on("POST", "/api/v1/webhooks/chat/secret", Answer({**WEBHOOK, "secret": "whsec_y"}, 201))
    server.on("DELETE", "/api/v1/webhooks/chat", Answer(b"", 204))
    assert millrace("webhooks", "off", "chat").exit_code == 0
    assert server.asked[-1].json() == {"active": False}
    assert millrace("webhooks", "on", "chat").exit_code == 0
    assert server.asked[-1].json() == {"active": True}
    assert "d1" in millrace("webhooks", "test", "chat").stdout
    assert "d1" in millrace("webhooks", "redeliver", "d1").stdout
    assert "whsec_y" in millrace("webhooks", "secret", "chat").stdout
    assert "chat" in millrace("webhooks", "delete", "chat").stdout
