"""The doctor on set-ups that are broken on purpose: the fault is named, and so is the way out."""

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.database import Database
from cli.client import Client
from cli.doctor.finding import Finding
from cli.doctor.machine import (
    extras_for,
    look_at_dashboard,
    look_at_home,
    look_at_logins,
    look_at_packages,
    look_at_port,
)
from cli.doctor.server import look_at_server
from cli.doctor.services import embedded_broker, look_at_services, parts_of
from cli.home import Home
from cli.logins import Login, Logins
from migrations import run
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

WELL = {"status": "ok", "database": "ok", "store": "ok", "broker": "ok"}
WHO = {"name": "ada", "role": "developer", "scopes": ["read"]}


def by_part(findings: Any) -> dict[str, Finding]:
    return {one.part: one for one in findings}


@pytest.fixture
def millrace_server(server: Server) -> Server:
    server.on("GET", "/livez", Answer({"status": "ok"}))
    server.on("GET", "/readyz", Answer(WELL))
    server.on("GET", "/api/v1/whoami", Answer(WHO))
    server.on("GET", "/metrics", Answer(b"millrace_queue_age_seconds 0.0\n", kind="text/plain"))
    return server


def ask(server: Server, *, token: bool = True) -> dict[str, Finding]:
    with Client(server.url, "mlr_test" if token else None) as client:
        return by_part(look_at_server(client, named="--url"))


class TestServer:
    def test_that_is_well_has_nothing_broken(self, millrace_server: Server) -> None:
        assert {one.state for one in ask(millrace_server).values()} == {"ok"}

    def test_whose_clock_is_wrong_is_told(self, millrace_server: Server) -> None:
        late = format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True)
        millrace_server.on("GET", "/readyz", Answer(WELL, date=late))
        clock = ask(millrace_server)["clock"]
        assert (clock.state, "behind" in clock.what, "set-ntp" in clock.fix) == ("warn", True, True)

    def test_that_does_not_take_the_token_gets_a_login(self, millrace_server: Server) -> None:
        refused = {"title": "Unauthorized", "detail": "The token is unknown, expired or revoked."}
        millrace_server.on("GET", "/api/v1/whoami", Answer(refused, 401))
        token = ask(millrace_server)["token"]
        assert (token.state, token.fix) == ("broken", f"millrace login {millrace_server.url}")

    def test_without_a_token_is_only_unusual(self, millrace_server: Server) -> None:
        assert ask(millrace_server, token=False)["token"].state == "warn"

    def test_that_is_another_program_is_told(self, server: Server) -> None:
        found = ask(server)
        assert (found["server"].state, "no Millrace" in found["server"].what) == ("broken", True)

    def test_with_a_part_away_names_the_part(self, millrace_server: Server) -> None:
        away = WELL | {"status": "unavailable", "database": "does not answer"}
        millrace_server.on("GET", "/readyz", Answer(away, 503))
        found = ask(millrace_server)
        assert (found["database"].state, found["store"].state) == ("broken", "ok")

    def test_that_tells_about_itself_is_believed(self, millrace_server: Server) -> None:
        well, away = {"reachable": True, "error": None}, {"reachable": False, "error": "connection refused"}
        about = {
            "version": "9.9.9",
            "database": well,
            "broker": well,
            "mlflow": away,
            "stores": [well | {"name": "data"}],
            "workers": {"answering": [], "last_tick_age_seconds": 900, "tick_seconds": 2},
        }
        millrace_server.on("GET", "/api/v1/about", Answer(about))
        found = ask(millrace_server)
        assert (found["mlflow"].why, found["data store"].state) == ("connection refused", "ok")
        assert (found["version"].state, found["version"].fix) == ("warn", "pip install millrace==9.9.9")
        assert (found["workers"].state, found["tick"].state) == ("broken", "broken")

    def test_where_jobs_wait_and_none_runs_lacks_a_worker(self, millrace_server: Server) -> None:
        told = b'millrace_jobs{state="running"} 0.0\nmillrace_queue_age_seconds 4000.0\n'
        millrace_server.on("GET", "/metrics", Answer(told, kind="text/plain"))
        assert ask(millrace_server)["queue"].state == "broken"


class TestHome:
    def test_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        [home] = look_at_home(Home(tmp_path / "file" / "home"))
        assert (home.state, "--home" in home.fix) == ("broken", True)

    def test_that_is_not_there_yet_is_fine(self, tmp_path: Path) -> None:
        assert [one.state for one in look_at_home(Home(tmp_path / "home"))] == ["ok"]
        assert list(tmp_path.iterdir()) == []

    def test_with_a_token_that_others_can_read_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("mlr_home")
        (tmp_path / "token").chmod(0o644)
        tmp_path.chmod(0o755)
        found = list(look_at_home(Home(tmp_path)))
        assert [(one.part, one.fix) for one in found if one.state != "ok" and one.part != "disk"] == [
            ("home", f"chmod 700 {tmp_path}"),
            ("token", f"chmod 600 {tmp_path / 'token'}"),
        ]

    def test_of_logins_that_others_can_read_is_told(self, tmp_path: Path) -> None:
        logins = Logins(tmp_path / "logins.json")
        logins.keep(Login("https://a.example.org", "mlr_a", "ada", "admin"))
        assert list(look_at_logins(logins)) == []
        logins.path.chmod(0o640)
        assert [one.state for one in look_at_logins(logins)] == ["broken"]


class TestMachine:
    def test_with_a_port_in_use_names_another(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            [found] = look_at_port(f"http://127.0.0.1:{port}")
        assert (found.state, f"--port {port + 1}" in found.fix) == ("broken", True)
        assert list(look_at_port(f"http://127.0.0.1:{port}")) == []

    def test_needs_the_extras_of_what_is_set(self) -> None:
        settings = {"MILLRACE_STORE_URL": "s3://b", "MILLRACE_DATABASE_URL": "postgresql://h/x"}
        assert extras_for(settings) == {"ml", "embedded", "s3", "postgres"}
        assert extras_for({"MILLRACE_REDIS_URL": "redis://h"}) == {"ml"}

    def test_has_all_packages_that_the_tests_run_with(self) -> None:
        assert [one.state for one in look_at_packages({"embedded", "ml"})] == ["ok"]

    def test_without_a_dashboard_says_how_to_build_it(self, tmp_path: Path) -> None:
        [found] = look_at_dashboard(tmp_path)
        assert (found.state, found.fix) == ("warn", "make dashboard")


class TestServices:
    def test_are_looked_at_where_they_are(self) -> None:
        assert parts_of({}, home=True) == ["database", "data store", "model store", "routes"]
        assert parts_of({"MILLRACE_DATABASE_URL": "x"}, home=False) == ["database"]

    def test_have_the_address_of_the_embedded_broker(self, tmp_path: Path) -> None:
        assert embedded_broker(tmp_path) is None
        (tmp_path / "redis").mkdir()
        (tmp_path / "redis" / "valkey.conf").write_text("bind 127.0.0.1\nport 7000\nrequirepass secret\n")
        assert embedded_broker(tmp_path) == "redis://:secret@127.0.0.1:7000/0"

    def test_that_are_old_or_away_are_named(self, tmp_path: Path, free_port: int) -> None:
        database = Database(f"sqlite:///{tmp_path / 'millrace.db'}")
        run.upgrade(database.writes, "0002")
        database.dispose()
        (tmp_path / "file").touch()
        settings = {
            "MILLRACE_REDIS_URL": f"redis://127.0.0.1:{free_port}/0",
            "MILLRACE_STORE_URL": str(tmp_path / "file" / "store"),
        }
        found = by_part(look_at_services(tmp_path, settings, running=False, usable=True))
        broken = {part: one.fix for part, one in found.items() if one.state == "broken"}
        assert set(broken) == {"migrations", "broker", "data store"}
        assert broken["migrations"] == "millrace migrate"


class TestDoctor:
    def test_has_status_1_when_something_is_broken(
        self, bare: Millrace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free_port: int
    ) -> None:
        monkeypatch.setenv("MILLRACE_DATABASE_URL", "nonsense")
        result = bare("doctor", "--url", f"http://127.0.0.1:{free_port}", "--json")
        broken = {one["part"]: one["fix"] for one in json.loads(result.stdout) if one["state"] == "broken"}
        assert (result.exit_code, set(broken)) == (1, {"database", "server"})
        assert "MILLRACE_DATABASE_URL=postgresql" in broken["database"]
        assert list(tmp_path.iterdir()) == []

    def test_of_a_far_server_leaves_this_machine_alone(
        self, bare: Millrace, millrace_server: Server, tmp_path: Path
    ) -> None:
        far = millrace_server.url.replace("127.0.0.1", "127.0.0.2")
        said = bare("doctor", "--url", far).stdout
        assert ("home" in said, "python" in said) == (False, True)

    def test_of_no_address_says_so(self, bare: Millrace) -> None:
        result = bare("doctor", "--url", "nonsense")
        assert (result.exit_code, "is not an address" in result.stdout) == (1, True)
