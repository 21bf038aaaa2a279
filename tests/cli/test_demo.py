"""`millrace demo`: the table it cuts and damages, the home it may wipe, and the whole story on real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import processes
from cli.demo.command import EXAMPLE, MARK
from cli.demo.rides import UNKNOWN, Replay, Ride, between, damaged, known, read_rides, write_rides
from cli.home import Home
from tests.cli.conftest import Millrace


@pytest.fixture(scope="module")
def rides() -> list[Ride]:
    return read_rides(EXAMPLE / "hour.csv")


class TestRides:
    def test_cuts_whole_days(self, rides: list[Ride]) -> None:
        days = {ride["dteday"] for ride in between(rides, "2011-12-31", "2012-01-01")}
        assert days == {"2011-12-31", "2012-01-01"}

    def test_damages_counts_hours_and_seasons_and_leaves_the_original(self, rides: list[Ride]) -> None:
        copy = damaged(rides)
        assert any(int(ride["cnt"]) < 0 for ride in copy)
        assert any(ride["hr"] == "" for ride in copy)
        assert any(ride["season"] == "5" for ride in copy)
        assert copy[0] != rides[0] == read_rides(EXAMPLE / "hour.csv")[0]

    def test_asks_without_the_target_and_with_numbers_as_numbers(self, rides: list[Ride]) -> None:
        row = known(rides[0])
        assert not UNKNOWN & row.keys()
        assert (row["dteday"], row["yr"], row["temp"]) == ("2011-01-01", 0, 0.24)

    def test_writes_what_it_reads(self, rides: list[Ride], tmp_path: Path) -> None:
        assert read_rides(write_rides(tmp_path / "part.csv", rides[:50])) == rides[:50]

    def test_two_replays_have_one_error(self) -> None:
        both = Replay(["a"], {1}, [10.0], 1.0).then(Replay(["b", "c"], {3}, [1.0, 1.0], 1.0))
        assert (both.hours, both.versions, both.mae) == (3, {1, 3}, 4.0)


class TestHome:
    def test_refuses_to_wipe_what_is_not_a_demo(self, bare: Millrace, tmp_path: Path) -> None:
        precious = tmp_path / "work" / "thesis.txt"
        precious.parent.mkdir()
        precious.write_text("years of it")
        result = bare("demo", "--home", "work", "--exit")
        assert result.exit_code == 1
        assert "not the home of a demo" in result.stderr
        assert precious.read_text() == "years of it"

    def test_refuses_to_wipe_a_demo_that_runs(self, bare: Millrace, tmp_path: Path) -> None:
        (tmp_path / MARK).touch()
        descriptor = Home(tmp_path).lock("http://127.0.0.1:1")
        try:
            result = bare("demo", "--home", str(tmp_path), "--exit")
        finally:
            os.close(descriptor)
        assert result.exit_code == 1
        assert "already running" in result.stderr
        assert (tmp_path / MARK).exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_story_turns_out_as_told(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "cli.main", "demo", "--home", "demo", "--port", str(processes.free_port()), "--exit"]
    environment = processes.environment(os.environ)
    told = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=380)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert "Everything turned out as told" in told.stdout
    assert "✗" not in told.stdout
