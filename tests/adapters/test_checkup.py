"""Probes on parts that are away, wrong or unwritable: each says so, and never says a password."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from adapters.checkup import look_at_broker, look_at_database, look_at_mlflow, look_at_store
from adapters.object_store.credentials import NO_CREDENTIALS


@pytest.fixture
def port() -> int:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def web_port() -> Iterator[int]:
    """Something listens there that speaks HTTP, and says that it has nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        done = False

        def answer() -> None:
            while not done:
                try:
                    with server.accept()[0] as caller:
                        caller.recv(1000)
                        caller.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                except TimeoutError:
                    continue

        thread = Thread(target=answer)
        thread.start()
        yield int(server.getsockname()[1])
        done = True
        thread.join()


class TestDatabase:
    @pytest.mark.parametrize("url", ["nonsense", "postgresql://h:port/x", "oracle9://h/x", "sqlite://"])
    def test_that_is_none_is_broken(self, url: str) -> None:
        assert look_at_database(url).state == "broken"

    def test_that_is_away_never_tells_the_password(self, port: int) -> None:
        found = look_at_database(f"postgresql://bob:secret@127.0.0.1:{port}/x")
        assert (found.state, "refused" in found.why) == ("broken", True)
        assert "secret" not in f"{found.what}{found.why}{found.fix}"

    def test_that_is_no_database_is_broken(self, tmp_path: Path) -> None:
        (tmp_path / "millrace.db").write_bytes(b"\x01" * 5000)
        found = look_at_database(f"sqlite:///{tmp_path / 'millrace.db'}")
        assert (found.state, found.why) == ("broken", "file is not a database")

    def test_that_is_not_there_yet_is_not_made(self, tmp_path: Path) -> None:
        assert look_at_database(f"sqlite:///{tmp_path / 'home' / 'millrace.db'}").state == "ok"
        assert list(tmp_path.iterdir()) == []


class TestBroker:
    def test_that_is_away_is_broken(self, port: int) -> None:
        found = look_at_broker(f"redis://:secret@127.0.0.1:{port}/0")
        assert (found.state, "secret" in f"{found}") == ("broken", False)

    def test_that_is_another_program_is_broken(self, web_port: int) -> None:
        assert look_at_broker(f"redis://127.0.0.1:{web_port}/0").state == "broken"

    def test_that_is_no_address_is_broken(self) -> None:
        assert "MILLRACE_REDIS_URL" in look_at_broker("nonsense").fix


class TestMlflow:
    def test_that_is_away_is_broken(self, port: int) -> None:
        assert "No MLflow answers" in look_at_mlflow(f"http://127.0.0.1:{port}/mlflow").what

    def test_that_is_another_program_is_broken(self, web_port: int) -> None:
        assert "is not MLflow" in look_at_mlflow(f"http://127.0.0.1:{web_port}").what

    def test_that_is_no_address_is_broken(self) -> None:
        assert look_at_mlflow("nonsense").state == "broken"


class TestStore:
    def test_is_left_as_it_was(self, tmp_path: Path) -> None:
        found = look_at_store("data store", "MILLRACE_STORE_URL", str(tmp_path), NO_CREDENTIALS)
        assert (found.state, [path for path in tmp_path.rglob("*") if path.is_file()]) == ("ok", [])

    def test_that_is_not_there_yet_is_not_made(self, tmp_path: Path) -> None:
        found = look_at_store("data store", "MILLRACE_STORE_URL", str(tmp_path / "store"), NO_CREDENTIALS)
        assert (found.state, list(tmp_path.iterdir())) == ("ok", [])

    @pytest.mark.parametrize("url", ["ftp://host/x", "s3://key:secret@bucket", "FILE/store"])
    def test_that_cannot_be_written_is_broken(self, tmp_path: Path, url: str) -> None:
        (tmp_path / "file").touch()
        place = url.replace("FILE", str(tmp_path / "file"))
        found = look_at_store("data store", "MILLRACE_STORE_URL", place, NO_CREDENTIALS)
        assert (found.state, bool(found.fix), "secret" in found.what) == ("broken", True, False)
