"""The supervisor with real processes: small shell programs in a table of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.home import Home, HomeError
from cli.supervisor import Backoff

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 15.0

# Reads a table of processes from its first argument and supervises it, as `millrace up` does with its own.
PROGRAM = """
import json, os, sys
from pathlib import Path
from cli.home import Home
from cli.journal import Journal
from cli.processes import Process
from cli.supervisor import Backoff, StartFailed, Supervisor
home = Home(Path.cwd() / "home")
home.prepare()
lock = home.lock("http://127.0.0.1:1")
table = [Process(**{**row, "argv": tuple(row["argv"])}) for row in json.loads(sys.argv[1])]
journal = Journal(home.logs)
supervisor = Supervisor(
    table, environment=dict(os.environ), folder=home.path, lock=lock, journal=journal, backoff=Backoff(0.05, 0.2, 60)
)
try:
    supervisor.run(lambda: journal.say("all ready"))
except StartFailed as error:
    sys.exit(str(error))
"""

# Notes its own process and a child of its own, which a plain SIGTERM to the leader would leave behind.
WITH_CHILD = "sleep 600 & echo $$ $! >>{name}.pids; wait"
# Ends in order when told to, and says so.
ORDERLY = "trap 'echo {name} >>stopped; exit 0' TERM; echo $$ >>{name}.pids; while :; do sleep 0.05; done"
STUBBORN = "trap '' TERM; echo $$ >>{name}.pids; while :; do sleep 0.2; done"


def row(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "argv": ["/bin/sh", "-c", script.format(name=name)], **more}


def eventually(holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class Running:
    """A supervisor in a process of its own, over a folder of its own."""

    def __init__(self, folder: Path, table: list[dict[str, Any]]) -> None:
        self.home = folder / "home"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(table)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pids(self, name: str) -> list[int]:
        """Every process that this entry of the table ever noted."""
        try:
            return [int(word) for word in (self.home / f"{name}.pids").read_text().split()]
        except FileNotFoundError:
            return []

    def waits_for(self, name: str, count: int) -> list[int]:
        assert eventually(lambda: len(self.pids(name)) >= count), f"{name} noted {self.pids(name)}"
        return self.pids(name)

    def ends(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*table: dict[str, Any]) -> Running:
        started.append(Running(tmp_path, list(table)))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate()


class TestRestart:
    def test_starts_again_what_dies(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", ORDERLY))
        [first] = running.waits_for("mill", 1)
        os.kill(first, signal.SIGKILL)
        _, second = running.waits_for("mill", 2)
        assert lives(second)
        assert not lives(first)

    def test_ends_what_a_dead_process_left_before_starting_it_again(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", WITH_CHILD))
        leader, child = running.waits_for("mill", 2)
        os.kill(leader, signal.SIGKILL)
        running.waits_for("mill", 4)
        assert not lives(child)

    def test_says_how_a_process_ended_and_when_it_starts_again(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", "echo $$ >>{name}.pids; exit 7"))
        running.waits_for("mill", 3)
        running.process.terminate()
        _, output = running.ends()
        assert "mill ended with status 7; it starts again in 0.05 s" in output
        assert "mill ended with status 7; it starts again in 0.1 s" in output

    def test_wait_doubles_up_to_the_longest(self) -> None:
        waits, wait = [], 0.0
        for _ in range(7):
            wait = Backoff().after(wait, lived=1)
            waits.append(wait)
        assert waits == [1, 2, 4, 8, 16, 30, 30]

    def test_wait_is_short_again_after_a_minute_of_life(self) -> None:
        assert Backoff().after(30, lived=61) == 1


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_stops_in_reverse_order(self, supervise: Callable[..., Running], number: signal.Signals) -> None:
        running = supervise(row("one", ORDERLY), row("two", ORDERLY), row("three", ORDERLY))
        pids = [running.waits_for(name, 1)[0] for name in ("one", "two", "three")]
        running.process.send_signal(number)
        status, _ = running.ends()
        assert status == 0
        assert (running.home / "stopped").read_text().split() == ["three", "two", "one"]
        assert not any(map(lives, pids))

    def test_leaves_no_orphan_of_an_orphan(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", WITH_CHILD))
        pids = running.waits_for("mill", 2)
        running.process.terminate()
        assert running.ends()[0] == 0
        assert not any(map(lives, pids))

    def test_kills_what_does_not_stop_in_its_time(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", STUBBORN, stop_seconds=0.3))
        [pid] = running.waits_for("mill", 1)
        running.process.terminate()
        assert running.ends()[0] == 0
        assert not lives(pid)

    def test_second_interrupt_kills_at_once(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", STUBBORN, stop_seconds=600))
        [pid] = running.waits_for("mill", 1)
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert lives(pid)
        running.process.send_signal(signal.SIGINT)
        running.ends()
        assert not lives(pid)

    def test_killed_supervisor_leaves_no_process(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("one", WITH_CHILD), row("two", ORDERLY))
        pids = [*running.waits_for("one", 2), *running.waits_for("two", 1)]
        running.process.kill()
        assert eventually(lambda: not any(map(lives, pids)))

    def test_home_stays_locked_until_the_processes_of_a_killed_supervisor_are_gone(
        self, supervise: Callable[..., Running]
    ) -> None:
        running = supervise(
            row("mill", "trap 'sleep 0.5; exit' TERM; echo $$ >>{name}.pids; while :; do sleep 0.05; done")
        )
        [pid] = running.waits_for("mill", 1)
        running.process.kill()
        running.process.wait()
        lock = Home(running.home).lock("http://127.0.0.1:2")
        assert not lives(pid)
        os.close(lock)


class TestStart:
    def test_runs_a_once_process_to_its_end_before_the_next(self, supervise: Callable[..., Running]) -> None:
        running = supervise(
            row("first", "sleep 0.3; echo done >made", once=True), row("second", "cat made >seen; " + ORDERLY)
        )
        running.waits_for("second", 1)
        assert (running.home / "seen").read_text() == "done\n"

    def test_failing_once_process_stops_everything(self, supervise: Callable[..., Running]) -> None:
        running = supervise(
            row("one", ORDERLY), row("migrate", "echo no such table; exit 3", once=True), row("two", ORDERLY)
        )
        status, output = running.ends()
        assert status == 1
        assert "no such table" in output
        assert "migrate ended with status 3" in output
        assert running.pids("two") == []
        assert not any(map(lives, running.pids("one")))

    def test_says_ready_once_every_process_answers(self, supervise: Callable[..., Running], free_port: int) -> None:
        server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(free_port)]
        running = supervise(
            row("mill", ORDERLY, ready=f"tcp://127.0.0.1:{free_port}"),
            {"name": "web", "argv": server, "ready": f"http://127.0.0.1:{free_port}/"},
        )
        assert running.process.stdout is not None
        assert any("all ready" in line for line in iter(running.process.stdout.readline, ""))

    def test_is_not_ready_while_a_process_does_not_answer(
        self, supervise: Callable[..., Running], free_port: int
    ) -> None:
        running = supervise(row("mill", ORDERLY, ready=f"http://127.0.0.1:{free_port}/"))
        running.waits_for("mill", 1)
        time.sleep(1)
        running.process.terminate()
        assert "all ready" not in running.ends()[1]


class TestJournal:
    def test_lines_carry_the_name_and_are_kept_in_a_file(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("mill", "echo flour; echo bran >&2; " + ORDERLY))
        running.waits_for("mill", 1)
        running.process.terminate()
        _, output = running.ends()
        assert "mill     | flour\n" in output
        assert (running.home / "logs" / "mill.log").read_text() == "flour\nbran\n"

    def test_what_is_private_is_shown_and_not_kept(self, supervise: Callable[..., Running]) -> None:
        running = supervise(row("token", "echo secret", once=True, keep_log=False), row("mill", ORDERLY))
        running.waits_for("mill", 1)
        running.process.terminate()
        assert "secret" in running.ends()[1]
        assert not any("secret" in file.read_text() for file in (running.home / "logs").iterdir())


class TestLock:
    def test_refuses_a_second_supervisor_and_names_the_first(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        lock = home.lock("http://127.0.0.1:8000")
        with pytest.raises(HomeError, match=rf"process {os.getpid()}, http://127\.0\.0\.1:8000"):
            home.lock("http://127.0.0.1:9000")
        os.close(lock)

    def test_is_free_again_when_the_first_has_ended(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        os.close(home.lock("http://127.0.0.1:8000"))
        os.close(home.lock("http://127.0.0.1:9000"))
        assert json.loads((tmp_path / "lock").read_text())["address"] == "http://127.0.0.1:9000"
