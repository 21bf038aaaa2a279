"""`millrace data pointer` and `millrace data register`: the `.dvc` file out, and in."""

from pathlib import Path

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server
from tests.cli.test_nouns import VERSIONS, job, version

TEXT = "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 6\n  hash: md5\n  path: ä.csv\n"


class TestPointer:
    @pytest.fixture(autouse=True)
    def answers(self, server: Server) -> None:
        server.on("GET", f"{VERSIONS}/latest", Answer(version(2)))
        server.on("GET", f"{VERSIONS}/2/pointer", Answer(TEXT.encode(), kind="text/plain"))

    def test_is_printed_as_it_is(self, millrace: Millrace) -> None:
        assert millrace("data", "pointer", "bikes").stdout == TEXT

    def test_is_written(self, millrace: Millrace, tmp_path: Path) -> None:
        result = millrace("data", "pointer", "bikes@2", "--out", "bikes.dvc")
        assert (result.exit_code, result.stdout) == (0, "")
        assert (tmp_path / "bikes.dvc").read_text(encoding="utf-8") == TEXT
        assert "dvc pull bikes.dvc" in result.stderr

    def test_says_where_it_cannot_be_written(self, millrace: Millrace) -> None:
        result = millrace("data", "pointer", "bikes@2", "--out", "nowhere/bikes.dvc")
        assert result.exit_code == 2
        assert "nowhere/bikes.dvc cannot be written: No such file" in result.stderr


class TestRegister:
    @pytest.fixture(autouse=True)
    def pointer(self, tmp_path: Path) -> None:
        (tmp_path / "data.dvc").write_text(TEXT, encoding="utf-8")

    def test_sends_the_text(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", VERSIONS, Answer(version(3), 201))
        result = millrace("data", "register", "bikes", "data.dvc", "-m", "first")
        assert result.exit_code == 0
        assert "bikes@3" in result.stdout
        assert server.asked[-1].json() == {"source": {"kind": "dvc", "pointer": TEXT}, "message": "first"}

    def test_waits_for_the_checks(self, millrace: Millrace, server: Server) -> None:
        server.on("POST", VERSIONS, Answer(version(3), 201))
        server.on("GET", "/api/v1/jobs", Answer({"items": [job("succeeded")], "next_cursor": None}))
        server.on("GET", f"{VERSIONS}/3", Answer(version(3, state="validated")))
        assert "validated" in millrace("data", "register", "bikes", "data.dvc", "--wait").stdout

    def test_says_what_is_not_pushed(self, millrace: Millrace, server: Server) -> None:
        problem = {"detail": "The bytes are not in 'bikes'.", "fix": "Run `dvc push` first.", "code": "not_pushed"}
        server.on("POST", VERSIONS, Answer(problem, 409, "application/problem+json"))
        result = millrace("data", "register", "bikes", "data.dvc")
        assert result.exit_code == 1
        assert "Run `dvc push` first." in result.stderr

    def test_refuses_what_is_no_text(self, millrace: Millrace, tmp_path: Path) -> None:
        (tmp_path / "data.dvc").write_bytes(b"\xff\xfe")
        result = millrace("data", "register", "bikes", "data.dvc")
        assert result.exit_code == 2
        assert "cannot be read as text" in result.stderr

    def test_refuses_a_file_that_is_not_there(self, millrace: Millrace) -> None:
        assert millrace("data", "register", "bikes", "gone.dvc").exit_code == 2
