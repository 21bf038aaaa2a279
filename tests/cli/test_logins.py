"""Logging in: which server and which token a command takes, and who never gets to see a token."""

import json
from pathlib import Path

import pytest

from cli.logins import Login, Logins, normal
from cli.session import find_server
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

WHO = {"name": "ada", "role": "developer", "scopes": ["read", "write"]}
A, B = "https://a.example.org", "https://b.example.org"


@pytest.fixture
def logins(tmp_path: Path) -> Logins:
    known = Logins(tmp_path / "config" / "millrace" / "logins.json")
    for url, token in ((B, "mlr_b"), (A, "mlr_a")):
        known.keep(Login(url, token, "ada", "developer"))
    return known


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One of a server on this machine."""
    place = tmp_path / "home"
    place.mkdir()
    (place / "address").write_text("http://127.0.0.1:8123\n")
    (place / "token").write_text("mlr_home")
    return place


class TestWhichServer:
    def test_is_the_current_login_when_none_is_named(self, logins: Logins) -> None:
        assert find_server(None, None, None, logins) == (A, "mlr_a")

    def test_is_the_one_named_before_any_login(self, logins: Logins, home: Path) -> None:
        assert find_server(B, None, home, logins) == (B, "mlr_b")
        assert find_server(None, None, home, logins) == ("http://127.0.0.1:8123", "mlr_home")

    def test_takes_the_token_named_before_that_of_the_login(self, logins: Logins) -> None:
        assert find_server(A, "mlr_given", None, logins) == (A, "mlr_given")

    @pytest.mark.parametrize(
        "other",
        ["https://a.example.org.evil.org", "http://a.example.org", "https://a.example.org:444", f"{A}/elsewhere"],
    )
    def test_another_one_never_sees_the_token_of_a_login(self, logins: Logins, home: Path, other: str) -> None:
        assert find_server(other, None, home, logins) == (other, None)

    def test_is_the_home_of_this_machine_without_any_login(self, tmp_path: Path, home: Path) -> None:
        nobody = Logins(tmp_path / "none.json")
        assert find_server(None, None, home, nobody) == ("http://127.0.0.1:8123", "mlr_home")

    @pytest.mark.parametrize("way", ["HTTPS://A.example.org", f"{A}:443", f"{A}/", f" {A}"])
    def test_is_the_same_for_each_way_to_write_it(self, way: str) -> None:
        assert normal(way) == A

    def test_in_a_dotenv_file_never_sees_a_token_of_the_environment(
        self, bare: Millrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".env").write_text("MILLRACE_URL=https://evil.example.org\n")
        monkeypatch.setenv("MILLRACE_TOKEN", "mlr_mine")
        result = bare("whoami")
        assert (result.exit_code, "evil.example.org" in result.stderr) == (2, True)


class TestLogin:
    def test_keeps_a_token_that_the_server_takes(self, bare: Millrace, server: Server, tmp_path: Path) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        assert bare("login", server.url, "--token-stdin", stdin="mlr_ada\n").exit_code == 0
        kept = tmp_path / "config" / "millrace" / "logins.json"
        assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert bare("whoami").exit_code == 0
        assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer mlr_ada"] * 2

    def test_refuses_a_token_that_the_server_does_not_take(
        self, bare: Millrace, server: Server, tmp_path: Path
    ) -> None:
        refused = {"title": "Unauthorized", "detail": "The token is unknown, expired or revoked.", "status": 401}
        server.on("GET", "/api/v1/whoami", Answer(refused, 401, "application/problem+json"))
        result = bare("login", server.url, "--token-stdin", stdin="mlr_old")
        assert (result.exit_code, "expired" in result.stderr) == (5, True)
        assert not (tmp_path / "config" / "millrace").exists()

    @pytest.mark.parametrize("secret", ["", "two words", "mlr_é", "mlr_\x1b"])
    def test_refuses_what_is_no_token(self, bare: Millrace, server: Server, secret: str) -> None:
        assert bare("login", server.url, "--token-stdin", stdin=secret).exit_code == 2
        assert server.asked == []

    def test_does_not_wait_for_a_token_where_nobody_can_type_one(self, bare: Millrace, server: Server) -> None:
        result = bare("login", server.url)
        assert (result.exit_code, "--token-stdin" in result.stderr) == (2, True)

    def test_never_prints_the_token(self, bare: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/whoami", Answer(WHO))
        result = bare("login", server.url, "--token-stdin", stdin="mlr_ada")
        assert "mlr_ada" not in result.output + bare("servers", "list", "--json").output

    def test_refuses_an_address_with_a_password(self, bare: Millrace) -> None:
        assert bare("login", "https://ada:secret@example.org", "--token-stdin", stdin="mlr_a").exit_code == 2


class TestServers:
    def test_can_be_changed_by_host(self, bare: Millrace, logins: Logins) -> None:
        assert bare("servers", "use", "b.example.org").exit_code == 0
        assert find_server(None, None, None, logins) == (B, "mlr_b")

    def test_that_are_unknown_are_refused(self, bare: Millrace, logins: Logins) -> None:
        result = bare("servers", "use", "https://c.example.org")
        assert (result.exit_code, A in result.stderr) == (4, True)
        assert logins.current == A


class TestLogout:
    def test_forgets_the_current_one_and_chooses_no_other(self, bare: Millrace, logins: Logins) -> None:
        assert bare("logout").exit_code == 0
        assert (logins.current, [one.url for one in logins.all()]) == (None, [B])

    def test_forgets_all(self, bare: Millrace, logins: Logins) -> None:
        assert json.loads(bare("logout", "--all", "--json").stdout) == {"forgotten": [B, A]}
        assert logins.all() == []


class TestFile:
    @pytest.mark.parametrize("content", ["", "{", "[]", '{"servers": {"https://a.example.org": {}}, "current": null}'])
    def test_that_holds_no_logins_is_told(self, bare: Millrace, tmp_path: Path, content: str) -> None:
        path = tmp_path / "config" / "millrace" / "logins.json"
        path.parent.mkdir(parents=True)
        path.write_text(content)
        result = bare("whoami")
        assert (result.exit_code, "holds no logins" in result.stderr) == (2, True)
