"""The dataset cache: parsed once, shared by processes, bounded, and never trusted further than its seals."""

import fcntl
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import structlog
from pydantic import ValidationError

from adapters.settings import Settings
from domain.errors import Invalid
from workers.dataset_cache import SCHEMA, DatasetCache, cache_key

ROOT = Path(__file__).parents[2]
LARGE = 2**30

# A process of its own, as a pool process of a worker is: parses, and leaves a line in `parsed` when it does.
PROCESS = """
import os, signal, sys, time
from pathlib import Path
import polars as pl
from workers.dataset_cache import DatasetCache
folder, key, limit, what = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
def parse():
    with open(folder.parent / "parsed", "a") as lines:
        lines.write(f"{os.getpid()}\\n")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.4)
    return pl.LazyFrame({"x": range(50_000)})
while not (folder.parent / "go").exists():
    time.sleep(0.002)
if what == "full":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
print(DatasetCache(folder, limit).table(key, parse).select(pl.col("x").sum()).collect().item())
"""


def start(folder: Path, key: str = "k", *, what: str = "parse", limit: int = LARGE) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", PROCESS, str(folder), key, str(limit), what]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def go(folder: Path) -> None:
    (folder.parent / "go").touch()


def parses(folder: Path) -> int:
    return len((folder.parent / "parsed").read_text().splitlines())


def table_of(number: int, rows: int = 10_000) -> Callable[[], pl.LazyFrame]:
    return lambda: pl.LazyFrame({"x": [number] * rows})


def refuse() -> pl.LazyFrame:
    raise AssertionError("it was parsed again")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("[!.]*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class TestSettings:
    def test_put_it_under_the_home(self, tmp_path: Path) -> None:
        assert Settings(home=tmp_path, _env_file=None).cache_dir == tmp_path / "cache"
        assert Settings(home=tmp_path, cache_dir=tmp_path / "fast", _env_file=None).cache_dir == tmp_path / "fast"

    def test_refuse_a_negative_size(self, tmp_path: Path) -> None:
        with pytest.raises(ValidationError, match="greater than or equal to 0"):
            Settings(home=tmp_path, cache_bytes=-1, _env_file=None)


class TestTable:
    def test_is_parsed_by_the_first_who_asks_and_mapped_by_the_next(self, folder: Path) -> None:
        first = DatasetCache(folder, LARGE).table("k", table_of(3))
        second = DatasetCache(folder, LARGE).table("k", refuse)
        assert first.collect().equals(second.collect())
        assert names(folder) == ["k.arrow"]
        assert str(folder / "k.arrow") in Path("/proc/self/maps").read_text()

    def test_gives_even_the_first_one_the_mapped_rows(self, folder: Path) -> None:
        frame = DatasetCache(folder, LARGE).table("k", table_of(3)).collect()
        assert not frame["x"].to_numpy(allow_copy=False).flags.owndata

    def test_is_readable_by_its_owner_only(self, folder: Path) -> None:
        DatasetCache(folder, LARGE).table("k", table_of(3))
        assert (folder.stat().st_mode & 0o777, (folder / "k.arrow").stat().st_mode & 0o777) == (0o700, 0o600)

    def test_keeps_nothing_with_a_limit_of_zero(self, folder: Path) -> None:
        assert DatasetCache(folder, 0).table("k", table_of(3)).collect().height == 10_000
        assert not folder.exists()

    def test_raises_what_parsing_raises_and_leaves_nothing(self, folder: Path) -> None:
        def broken() -> pl.LazyFrame:
            raise Invalid("line 3 is broken", where="a.csv, line 3")

        cache = DatasetCache(folder, LARGE)
        with pytest.raises(Invalid, match="line 3 is broken"):
            cache.table("k", broken)
        assert names(folder) == []
        assert cache.table("k", table_of(1)).collect().height == 10_000

    def test_an_error_of_the_disk_while_parsing_is_the_parsers(self, folder: Path) -> None:
        def away() -> pl.LazyFrame:
            raise ConnectionError("the store is away")

        with pytest.raises(ConnectionError):
            DatasetCache(folder, LARGE).table("k", away)

    def test_key_tells_apart_what_may_parse_to_other_rows(self) -> None:
        assert cache_key("d", "csv") != cache_key("d", "jsonl")
        assert cache_key("d", "csv") == f"d-csv-{SCHEMA}-{pl.__version__}"


class TestEviction:
    def test_drops_the_least_recently_used(self, folder: Path) -> None:
        size = self._size_of_one(folder)
        cache = DatasetCache(folder, 3 * size)
        for key in ("a", "b", "c"):
            cache.table(key, table_of(1))
        cache.table("a", refuse)
        cache.table("d", table_of(1))
        assert names(folder) == ["a.arrow", "c.arrow", "d.arrow"]

    def test_keeps_within_the_limit(self, folder: Path) -> None:
        size = self._size_of_one(folder)
        cache = DatasetCache(folder, 2 * size + 1)
        for number in range(6):
            cache.table(str(number), table_of(number))
            assert sum(path.stat().st_size for path in folder.glob("*.arrow")) <= 2 * size + 1

    def test_leaves_whole_what_a_reader_has(self, folder: Path) -> None:
        cache = DatasetCache(folder, self._size_of_one(folder))
        held = cache.table("a", table_of(7))
        cache.table("b", table_of(8))
        assert names(folder) == ["b.arrow"]
        assert held.select(pl.col("x").sum()).collect().item() == 70_000

    def test_does_not_keep_a_table_larger_than_the_limit(self, folder: Path) -> None:
        size = self._size_of_one(folder)
        cache = DatasetCache(folder, 2 * size)
        cache.table("a", table_of(1))
        assert cache.table("huge", table_of(2, rows=50_000)).collect().height == 50_000
        # Its bytes are known only when it is written: long texts.
        texts = pl.LazyFrame({"t": [f"{number:0100}" for number in range(10_000)]})
        assert cache.table("texts", lambda: texts).collect().height == 10_000
        assert names(folder) == ["a.arrow"]

    @staticmethod
    def _size_of_one(folder: Path) -> int:
        DatasetCache(folder, LARGE).table("size", table_of(1))
        size = (folder / "size.arrow").stat().st_size
        (folder / "size.arrow").unlink()
        return size


class TestDamage:
    @pytest.mark.parametrize("how", ["flipped", "cut off", "emptied"])
    def test_is_noticed_and_mended(self, folder: Path, how: str) -> None:
        cache = DatasetCache(folder, LARGE)
        cache.table("k", table_of(3))
        path = folder / "k.arrow"
        sealed = path.read_bytes()
        half = len(sealed) // 2
        damaged = {"flipped": sealed[:half] + b"\xff" + sealed[half + 1 :], "cut off": sealed[:half], "emptied": b""}
        path.write_bytes(damaged[how])
        for asker in (cache, DatasetCache(folder, LARGE)):
            with structlog.testing.capture_logs() as logs:
                assert asker.table("k", table_of(3)).select(pl.col("x").sum()).collect().item() == 30_000
            assert [entry["event"] for entry in logs] == (["dataset_cache_damaged"] if asker is cache else [])


class TestDisk:
    def test_that_is_full_costs_a_parse_and_a_warning(self, folder: Path) -> None:
        go_ahead = start(folder, what="full")
        go(folder)
        said, _ = go_ahead.communicate(timeout=20)
        assert said.splitlines()[-1] == str(sum(range(50_000)))
        assert "dataset_cache_not_written" in said
        assert "File too large" in said
        assert names(folder) == []

    def test_that_cannot_be_written_costs_a_parse_and_a_warning(self, folder: Path) -> None:
        folder.write_text("a file where the folder should be")
        with structlog.testing.capture_logs() as logs:
            assert DatasetCache(folder, LARGE).table("k", table_of(1)).collect().height == 10_000
        assert [(entry["event"], entry["log_level"]) for entry in logs] == [("dataset_cache_unavailable", "warning")]


class TestProcesses:
    def test_on_one_cold_table_parse_it_once(self, folder: Path) -> None:
        running = [start(folder) for _ in range(3)]
        go(folder)
        said = [process.communicate(timeout=30)[0].strip() for process in running]
        assert said == [str(sum(range(50_000)))] * 3
        assert parses(folder) == 1
        assert names(folder) == ["k.arrow"]

    def test_killed_in_the_middle_leaves_nothing_that_is_read(self, folder: Path) -> None:
        go(folder)
        dying = start(folder, what="die")
        dying.communicate(timeout=20)
        assert dying.returncode == -signal.SIGKILL
        assert names(folder) == ["k.part"]
        assert start(folder).communicate(timeout=20)[0].strip() == str(sum(range(50_000)))
        assert parses(folder) == 2
        assert names(folder) == ["k.arrow"]

    def test_the_part_of_a_dead_one_is_swept_by_the_next(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "dead.part").write_bytes(b"half a file")
        with (folder / "alive.part").open("wb") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            DatasetCache(folder, LARGE).table("k", table_of(1))
        assert names(folder) == ["alive.part", "k.arrow"]

    def test_that_waited_for_one_that_failed_parse_themselves(self, folder: Path) -> None:
        started, go_on = threading.Event(), threading.Event()

        def fail() -> pl.LazyFrame:
            started.set()
            go_on.wait(10)
            raise Invalid("broken")

        def ask() -> None:
            with pytest.raises(Invalid):
                DatasetCache(folder, LARGE).table("k", fail)

        first = threading.Thread(target=ask)
        first.start()
        started.wait(10)
        answers: list[int] = []
        cache = DatasetCache(folder, LARGE)
        second = threading.Thread(target=lambda: answers.append(cache.table("k", table_of(1)).collect().height))
        second.start()
        time.sleep(0.05)
        go_on.set()
        first.join()
        second.join()
        assert answers == [10_000]

    def test_that_evict_each_other_all_the_time_see_only_whole_tables(self, folder: Path) -> None:
        running = [subprocess.Popen([sys.executable, "-c", CHURN, str(folder), str(n)], cwd=ROOT) for n in range(3)]
        assert [process.wait(60) for process in running] == [0, 0, 0]
        assert sum(path.stat().st_size for path in folder.glob("*.arrow")) <= 500_000
        assert list(folder.glob("*.part")) == []


CHURN = """
import random, sys
from pathlib import Path
import polars as pl
from workers.dataset_cache import DatasetCache
choose, held = random.Random(int(sys.argv[2])), []
cache = DatasetCache(Path(sys.argv[1]), 500_000)
for _ in range(150):
    number = choose.randrange(6)
    held = [*held[-3:], (number, cache.table(str(number), lambda: pl.LazyFrame({"x": [number] * 20_000})))]
    for value, frame in held:
        assert frame.select(pl.col("x").sum()).collect().item() == value * 20_000
"""
