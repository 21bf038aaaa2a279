"""`millrace up` refuses before anything starts; each process starts by the command in the table."""

import os
import socket
from pathlib import Path

import pytest

from cli import processes
from cli.home import Home
from tests.cli.conftest import Millrace


class TestUpRefuses:
    def test_a_second_start_on_one_home(self, bare: Millrace, tmp_path: Path, free_port: int) -> None:
        home = Home(tmp_path / "home")
        home.prepare()
        lock = home.lock("http://127.0.0.1:8000")
        result = bare("up", "--home", "home", "--port", str(free_port))
        os.close(lock)
        assert result.exit_code == 1
        assert f"already running on {home.path} (process {os.getpid()}, http://127.0.0.1:8000)" in result.stderr

    def test_a_port_in_use(self, bare: Millrace, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = bare("up", "--home", "home", "--port", str(port))
        assert result.exit_code == 1
        assert f"Port {port} on 127.0.0.1 is in use" in result.stderr
        assert {path.name for path in (tmp_path / "home").iterdir()} == {"lock", "logs"}

    def test_a_host_of_another_machine(self, bare: Millrace, free_port: int) -> None:
        result = bare("up", "--home", "home", "--host", "192.0.2.1", "--port", str(free_port))
        assert result.exit_code == 1
        assert f"Cannot listen on 192.0.2.1:{free_port}" in result.stderr

    @pytest.mark.parametrize("name", ["file", "file/inside"])
    def test_a_home_that_cannot_be_written(self, bare: Millrace, tmp_path: Path, name: str) -> None:
        (tmp_path / "file").touch()
        result = bare("up", "--home", name)
        assert result.exit_code == 1
        assert f"Cannot write to the home {tmp_path / name}" in result.stderr

    @pytest.mark.parametrize("arguments", [("--port", "0"), ("--port", "99999"), ("--worker-min", "0")])
    def test_numbers_out_of_range(self, bare: Millrace, arguments: tuple[str, str]) -> None:
        assert bare("up", *arguments).exit_code == 2


class TestTable:
    def choices(self, home: Path, **variables: str) -> processes.Choices:
        return processes.Choices(home, "127.0.0.1", 8000, 1, 2, variables)

    def test_starts_everything_in_order(self, tmp_path: Path) -> None:
        plan, shared = processes.everything(self.choices(tmp_path))
        assert [process.name for process in plan] == ["valkey", "mlflow", "migrate", "token", "api", "worker", "beat"]
        assert shared["MILLRACE_HOME"] == str(tmp_path)
        assert shared["MILLRACE_REDIS_URL"].startswith("redis://:")

    def test_serves_grpc_where_a_port_is_given_for_it(self) -> None:
        assert processes.serve("127.0.0.1", 8001, 1).env == {}
        beside = processes.serve("127.0.0.1", 8001, 1, grpc_port=8002)
        assert beside.env == {"MILLRACE_SERVING_GRPC_ADDRESS": "127.0.0.1:8002"}

    def test_tells_the_others_the_address_below_which_mlflow_answers(self, tmp_path: Path) -> None:
        plan, shared = processes.everything(self.choices(tmp_path))
        [server] = [process for process in plan if process.name == "mlflow"]
        assert server.ready == shared["MILLRACE_MLFLOW_URL"] + "/health"
        assert shared["MILLRACE_MLFLOW_URL"].endswith("/mlflow")

    def test_uses_a_broker_and_an_mlflow_of_ones_own(self, tmp_path: Path) -> None:
        own = {"MILLRACE_REDIS_URL": "redis://elsewhere", "MILLRACE_MLFLOW_URL": "http://elsewhere"}
        plan, shared = processes.everything(self.choices(tmp_path, **own))
        assert [process.name for process in plan] == ["migrate", "token", "api", "worker", "beat"]
        assert own.items() <= shared.items()

    def test_keeps_the_password_of_the_broker_to_its_owner(self, tmp_path: Path) -> None:
        plan, shared = processes.everything(self.choices(tmp_path))
        password = shared["MILLRACE_REDIS_URL"].split(":")[2].split("@")[0]
        config = tmp_path / "redis" / "valkey.conf"
        assert f"requirepass {password}" in config.read_text()
        assert config.stat().st_mode & 0o077 == 0
        assert not any(password in word for process in plan for word in process.argv)

    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("127.0.0.1", "http://127.0.0.1:8000"),
            ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104  # read, not bound
            ("::", "http://[::1]:8000"),
            ("mill.example", "http://mill.example:8000"),
        ],
    )
    def test_address_is_one_this_machine_reaches(self, host: str, url: str) -> None:
        assert processes.local_url(host, 8000) == url

    def test_environment_has_telemetry_off_unless_the_person_says_otherwise(self) -> None:
        assert processes.environment({})["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert processes.environment({"MLFLOW_DISABLE_TELEMETRY": "false"})["MLFLOW_DISABLE_TELEMETRY"] == "false"
