"""`millrace up` for real: every process, one home, two starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli import processes
from tests.cli.conftest import Millrace

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0
pytestmark = pytest.mark.slow


class Up:
    """`millrace up` in a process of its own; its output goes to a file that can be read while it runs."""

    def __init__(self, folder: Path, port: int, name: str) -> None:
        self.home = folder / ".millrace"
        self.url = f"http://127.0.0.1:{port}"
        self.output = folder.parent / f"{name}.log"
        settings = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up", "--port", str(port)],
                cwd=folder,
                env=settings | {"PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while "ready in" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def members(self) -> dict[int, str]:
        """Every process that was started with this home, by what it was started as."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"MILLRACE_HOME={self.home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def stop(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def up(folder: Path, free_port: int) -> Iterator[Up]:
    running = Up(folder, free_port, "first")
    yield running
    running.process.kill()
    running.process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.timeout(300)
def test_starts_restarts_stops_and_starts_again(
    up: Up, folder: Path, bare: Millrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    up.wait_until_ready()

    token = (up.home / "token").read_text().strip()
    assert (up.home / "token").stat().st_mode & 0o777 == 0o600
    assert up.said().count(token) == 1
    assert not any(token in file.read_text(errors="replace") for file in (up.home / "logs").iterdir())
    assert [path.name for path in folder.iterdir()] == [".millrace"]
    assert bare("whoami").exit_code == 0

    second = bare("up", "--port", str(processes.free_port()))
    assert "already running" in second.stderr

    [server] = [pid for pid, command in up.members().items() if "api.embedded:build" in command]
    os.kill(server, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not answers(f"{up.url}/readyz"):
        assert time.monotonic() < deadline
        time.sleep(0.1)

    up.stop(signal.SIGTERM)
    assert up.process.returncode == 0
    assert up.members() == {}
    assert bare("whoami").exit_code == 3

    again = Up(folder, processes.free_port(), "second")
    try:
        again.wait_until_ready()
        assert token not in again.said()
        assert bare("whoami").exit_code == 0
        again.process.kill()
        deadline = time.monotonic() + 20
        while again.members():
            assert time.monotonic() < deadline, again.members()
            time.sleep(0.1)
    finally:
        again.process.kill()
        again.process.wait()
