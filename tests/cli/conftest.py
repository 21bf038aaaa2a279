"""What the tests of the command line share: a server to talk to, and the program itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import processes
from cli.main import app
from tests.cli.server import Server

Millrace = Callable[..., Result]


@pytest.fixture
def free_port() -> int:
    return processes.free_port()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Millrace:
    """The program in an empty folder, told nothing about any server, for a person who has never logged in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("MILLRACE_URL", "MILLRACE_TOKEN", "MILLRACE_HOME"):
        monkeypatch.setenv(name, "")  # so that what a `.env` puts there is taken back
        monkeypatch.delenv(name)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return run


@pytest.fixture
def millrace(bare: Millrace, server: Server, monkeypatch: pytest.MonkeyPatch) -> Millrace:
    """The program with the server's address and a token."""
    monkeypatch.setenv("MILLRACE_URL", server.url)
    monkeypatch.setenv("MILLRACE_TOKEN", "mlr_test")
    return bare
