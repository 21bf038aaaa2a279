"""The client against a real server: how it finds it, what it says when it is refused, and with which status."""

import json
from pathlib import Path

import pytest

from cli.client import Event, parse_events
from cli.session import open_client
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

WHO = {"name": "ada", "role": "developer", "scopes": ["read", "write"]}
PROBLEM = "application/problem+json"


def refusal(status: int, **body: str) -> Answer:
    return Answer({"title": "Refused", "status": status, "code": "refused"} | body, status, PROBLEM)


class TestFindsTheServer:
    def test_takes_address_and_token_from_the_options(self, bare: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        result = bare("whoami", "--url", server.url, "--token", "mlr_given")
        assert (result.exit_code, server.asked[0].headers["authorization"]) == (0, "Bearer mlr_given")
        assert "ada" in result.stdout

    def test_takes_them_from_the_environment(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        assert millrace("whoami").exit_code == 0
        assert server.asked[0].headers["authorization"] == "Bearer mlr_test"

    def test_takes_them_from_a_dotenv_file(self, bare: Millrace, server: Server, tmp_path: Path) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        (tmp_path / ".env").write_text(f"MILLRACE_URL={server.url}\nMILLRACE_TOKEN=mlr_file\n")
        assert bare("whoami").exit_code == 0
        assert server.asked[0].headers["authorization"] == "Bearer mlr_file"

    @pytest.mark.parametrize(("folder", "options"), [(".millrace", ()), ("elsewhere", ("--home", "elsewhere"))])
    def test_finds_them_in_the_home(
        self, bare: Millrace, server: Server, tmp_path: Path, folder: str, options: tuple[str, ...]
    ) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        home = tmp_path / folder
        home.mkdir()
        (home / "address").write_text(server.url + "\n")
        (home / "token").write_text("mlr_home")
        assert bare("whoami", *options).exit_code == 0
        assert server.asked[0].headers["authorization"] == "Bearer mlr_home"

    @pytest.mark.parametrize(
        ("url", "token"),
        [("http://localhost:1", "mlr_home"), ("http://[::1]:1", "mlr_home"), ("http://example.org", None)],
    )
    def test_keeps_the_token_of_the_home_on_this_machine(self, tmp_path: Path, url: str, token: str | None) -> None:
        (tmp_path / "token").write_text("mlr_home")
        with open_client(url, None, tmp_path) as client:
            assert client.token == token

    def test_says_that_nobody_answers(self, bare: Millrace, free_port: int) -> None:
        result = bare("whoami", "--url", f"http://127.0.0.1:{free_port}")
        assert result.exit_code == 3
        assert f"No server answers at http://127.0.0.1:{free_port}." in result.stderr
        assert "millrace up" in result.stderr

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "nonsense", "http://"])
    def test_refuses_what_is_no_address(self, bare: Millrace, url: str) -> None:
        result = bare("whoami", "--url", url)
        assert result.exit_code == 2
        assert "is not an address" in result.stderr


class TestRefusals:
    @pytest.mark.parametrize(
        ("http", "status"),
        [(400, 1), (401, 5), (403, 5), (404, 4), (409, 1), (412, 1), (413, 1), (422, 1), (500, 1), (503, 1)],
    )
    def test_become_an_exit_status(self, millrace: Millrace, server: Server, http: int, status: int) -> None:
        server.on("GET", "/api/v1/whoami", refusal(http, detail="The wheel is stuck."))
        result = millrace("whoami")
        assert (result.exit_code, result.stdout) == (status, "")
        assert "Error: The wheel is stuck." in result.stderr

    def test_say_where_and_what_next(self, millrace: Millrace, server: Server) -> None:
        said = refusal(404, detail="There is no dataset named 'bike'.", where="dataset", fix="Did you mean 'bikes'?")
        server.on("GET", "/api/v1/datasets/bike/versions", said)
        result = millrace("data", "log", "bike")
        assert result.stderr == "Error: There is no dataset named 'bike'. (dataset)\n  Did you mean 'bikes'?\n"

    def test_without_a_token_say_how_to_give_one(self, bare: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/whoami", refusal(401, detail="This needs a token."))
        assert "MILLRACE_TOKEN" in bare("whoami", "--url", server.url).stderr
        assert "authorization" not in server.asked[0].headers

    @pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b""])
    def test_of_something_else_in_between_are_told_too(self, millrace: Millrace, server: Server, body: bytes) -> None:
        server.on("GET", "/api/v1/whoami", Answer(body, 502, "text/html"))
        result = millrace("whoami")
        assert result.exit_code == 1
        assert "answered 502 Bad Gateway" in result.stderr

    def test_of_unknown_commands_have_status_2(self, millrace: Millrace) -> None:
        assert millrace("grind").exit_code == 2


class TestJson:
    def test_is_what_the_server_said(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        assert json.loads(millrace("whoami", "--json").stdout) == WHO

    def test_lists_read_every_page_up_to_the_limit(self, millrace: Millrace, server: Server) -> None:
        pages = [{"items": [{"name": f"t{n}"}], "next_cursor": f"after-{n}"} for n in range(3)]
        server.on("GET", "/api/v1/datasets", *map(Answer, pages))
        found = json.loads(millrace("data", "list", "--limit", "3", "--json").stdout)
        assert [row["name"] for row in found] == ["t0", "t1", "t2"]
        assert [asked.query.get("cursor") for asked in server.asked] == [None, "after-0", "after-1"]


class TestNames:
    @pytest.mark.parametrize("name", ["a/b", "../whoami", "a?b#c", "ä ö", "100%"])
    def test_stay_one_segment_of_the_path(self, millrace: Millrace, server: Server, name: str) -> None:
        millrace("models", "policy", name)
        assert server.asked[0].path == f"/api/v1/models/{name}"
        assert server.asked[0].query == {}


class TestEvents:
    def test_are_read_with_id_name_and_data(self) -> None:
        lines = [
            "retry: 2000",
            "",
            ": still here",
            "id: 7",
            "event: log",
            'data: {"line":',
            'data: "x: y"}',
            "",
            "data: 1",
            "",
        ]
        assert list(parse_events(lines)) == [Event("7", "log", {"line": "x: y"}), Event("7", "message", 1)]

    def test_of_a_job_end_with_it(self, millrace: Millrace, server: Server) -> None:
        line = {"seq": 1, "at": "2026-01-01T00:00:00Z", "level": "info", "line": "read 100 rows"}
        stream = (
            f"id: 1\nevent: log\ndata: {json.dumps(line)}\n\nevent: job\ndata: {json.dumps({'state': 'failed'})}\n\n"
        )
        server.on("GET", "/api/v1/jobs/j1/events", Answer(stream.encode(), kind="text/event-stream"))
        result = millrace("jobs", "logs", "j1", "-f")
        assert "read 100 rows" in result.stdout
        assert "Job j1 failed." in result.stderr
