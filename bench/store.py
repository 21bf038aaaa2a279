"""The data store against DVC on the same bytes: adding and pushing, looking, going back, and what is stored.

A folder of small files, and a csv that grows and is edited. Both sides keep everything on one disk (in memory where the
machine has such a disk), and each figure is a command as a person types it. `python -m bench.store` prints the rows.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy import select

from adapters.runtime import utc_now
from adapters.settings import Settings
from bench.table import BenchRow
from bench.upload import ROOT, running_api
from domain.gc.jobs import CompressPacks, DeleteRetiredPacks
from domain.gc.service import READERS_SECONDS
from domain.jobs.models import Job
from domain.jobs.states import JobState
from workers.handlers.gc import compress_when_loose
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import open_toolbox

FILES = 20_000
ROUNDS = 3
"""How often what can be done again is done, in turns; the best of each side counts."""
CSV_BYTES = 500 * 10**6
_SETTLING = (CompressPacks.kind(), DeleteRetiredPacks.kind())
MEMORY_DISK = Path("/dev/shm")  # noqa: S108  # where it exists; else the system's folder for temporary files


LOOK = """
import os, sys
folders = [sys.argv[1]]
for folder in folders:
    for entry in os.scandir(folder):
        folders.append(entry.path) if entry.is_dir() else entry.stat()
"""
HASH = """
import hashlib, sys
with open(sys.argv[1], "rb") as file:
    hashlib.file_digest(file, "md5")
"""


def run() -> list[BenchRow]:
    place = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir=place) as name:
        folder = Path(name)
        with running_api(folder / "home") as client:
            dvc = _Dvc(folder / "dvc")
            ours = _Millrace(folder, str(client.base_url), client.headers["Authorization"].removeprefix("Bearer "))
            return [*_small_files(folder, dvc, ours), *_csv(dvc, ours)]


class _Side:
    """A tool and its store."""

    work: Path

    def __init__(self, store: Path, env: dict[str, str]) -> None:
        self.store = store
        self._env = os.environ | env

    def run(self, *argv: str | Path, cwd: Path) -> float:
        started = time.perf_counter()
        done = subprocess.run(argv, cwd=cwd, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return time.perf_counter() - started

    def floor(self, code: str, *arguments: str) -> float:
        """What can be done without, by a bare Python."""
        return self.run(sys.executable, "-I", "-c", code, *arguments, cwd=self.work)

    def stored(self) -> float:
        """MB in the store."""
        return sum(path.stat().st_size for path in self.store.rglob("*") if path.is_file()) / 1e6


class _Dvc(_Side):
    """DVC with a remote that is a folder."""

    def __init__(self, root: Path) -> None:
        quiet = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / "site"), "HOME": str(root)}
        super().__init__(root / "remote", quiet)
        self.work = root / "work"
        self.work.mkdir(parents=True)
        self._dvc("init", "--no-scm", "--quiet")
        self._dvc("remote", "add", "-d", "bench", self.store)

    def push(self, name: str) -> float:
        return self._dvc("add", "--quiet", name) + self._dvc("push", "--quiet")

    def status(self, name: str) -> float:
        return self._dvc("status", "--quiet", f"{name}.dvc")

    def back(self, name: str, pointer: str) -> float:
        (self.work / f"{name}.dvc").write_text(pointer)
        return self._dvc("checkout", "--quiet", f"{name}.dvc")

    def _dvc(self, *arguments: str | Path) -> float:
        return self.run(sys.executable, "-m", "dvc", *arguments, cwd=self.work)


class _Millrace(_Side):
    """The command line against an API on this machine."""

    def __init__(self, root: Path, url: str, token: str) -> None:
        self.work = root / "ours"
        self.work.mkdir()
        self._home = root / "home"
        here = {"MILLRACE_URL": url, "MILLRACE_TOKEN": token, "XDG_CACHE_HOME": str(root / "cache"), "HOME": str(root)}
        # Compiled once, as an installed program is (and DVC), whatever is set here.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(root / "bytecode")}
        super().__init__(root / "home" / "store", here | compiled | {"PYTHONPATH": str(ROOT)})
        self._data("list")

    def push(self, name: str) -> float:
        return self._data("push", name, name.removesuffix(".csv"))

    def status(self, name: str) -> float:
        return self._data("status", name, name)

    def back(self, name: str, number: int) -> float:
        return self._data("get", f"{name}@{number}", "--out", name, "--exact")

    def settle(self) -> None:
        """What a worker does when nobody waits: compress what was kept as it came, and delete that ten minutes on."""
        tools = open_toolbox(Settings(home=self._home))
        compress_when_loose(tools)
        for clock in (utc_now, lambda: utc_now() + timedelta(seconds=READERS_SECONDS)):
            runtime = replace(tools.runtime, clock=clock)
            due = select(Job.id).where(Job.kind.in_(_SETTLING), Job.state == JobState.QUEUED)
            with runtime.reading() as session:
                jobs = list(session.scalars(due.where(Job.available_at <= runtime.clock())))
            for job_id in jobs:
                there = replace(tools, runtime=runtime)
                assert run_job(job_id, tools=there, handlers=HANDLERS, worker="bench", stop_work=lambda: None)
        tools.runtime.close()

    def _data(self, *arguments: str) -> float:
        return self.run(sys.executable, "-P", "-m", "cli", "data", *arguments, cwd=self.work)


def _small_files(folder: Path, dvc: _Dvc, ours: _Millrace) -> list[BenchRow]:
    """Push a folder, look whether it has changed, change one file in a hundred, push, and go back."""
    source = folder / "small"
    chance = random.Random(0)
    for number in range(FILES):
        path = source / f"{number % 100:02}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d," % number + chance.randbytes(chance.randrange(200, 3_000)).hex().encode())
    for side in (dvc, ours):
        shutil.copytree(source, side.work / "small")
    time.sleep(0.1)
    pushed = ours.push("small"), dvc.push("small")
    looked = _best((ours.status("small"), dvc.status("small"), ours.floor(LOOK, "small")) for _ in range(ROUNDS))
    first = (dvc.work / "small.dvc").read_text()
    for side in (dvc, ours):
        for number in range(0, FILES, 100):
            (side.work / "small" / f"{number % 100:02}" / f"{number:05}.txt").write_bytes(b"changed %d" % number)
    time.sleep(0.1)
    again = ours.push("small"), dvc.push("small")
    second = (dvc.work / "small.dvc").read_text()
    back = []
    for _ in range(ROUNDS):
        back.append((ours.back("small", 1), dvc.back("small", first)))
        back.append((ours.back("small", 2), dvc.back("small", second)))
    ours.back("small", 1), dvc.back("small", first)
    for side in (dvc, ours):
        assert (side.work / "small" / "00" / "00000.txt").read_bytes() == (source / "00" / "00000.txt").read_bytes()
    what = f"{FILES:,} small files"
    return [
        _row(f"push, {what}", pushed, "dvc add + dvc push, a remote on the same disk"),
        _row(f"push again, 1 % of {what} changed", again, "the same"),
        _row(f"status, {what}", looked[:2], f"dvc status; best of {ROUNDS}"),
        _row(f"status, {what}", (looked[0], looked[2]), "Python started, and each file asked for its size and times"),
        _row(f"back to an older version, 1 % of {what} differ", _best(back), f"dvc checkout; best of {2 * ROUNDS}"),
    ]


def _csv(dvc: _Dvc, ours: _Millrace) -> list[BenchRow]:
    """One large table, then with 1 % of rows appended, then with 1 % of rows changed at random places."""
    rows: list[BenchRow] = []
    before = ours.stored(), dvc.stored()
    for what, table in zip(("csv of 500 MB", "1 % of rows appended", "1 % of rows edited"), _versions(), strict=True):
        for side in (dvc, ours):
            (side.work / "big.csv").unlink(missing_ok=True)  # a link to DVC's cache must not be written through
            table.write_csv(side.work / "big.csv")
        seconds = ours.push("big.csv"), dvc.push("big.csv")
        rows.append(_row(f"push, {what}", seconds, "dvc add + dvc push"))
        rows.append(_row(f"push, {what}", (seconds[0], ours.floor(HASH, "big.csv")), "Python started, and its MD5"))
        ours.settle()
        stored = ours.stored() - before[0], dvc.stored() - before[1]
        rows.append(BenchRow(f"stored in all, {what}", *stored, "MB", stored[0] / stored[1], "DVC's remote"))
    return rows


def _best(rounds: Iterable[tuple[float, ...]]) -> list[float]:
    return [min(figures) for figures in zip(*rounds, strict=True)]


def _row(name: str, seconds: Sequence[float], peer: str) -> BenchRow:
    ours, theirs = seconds
    return BenchRow(name, ours, theirs, "s", ours / theirs, peer)


def _versions() -> Iterator[pl.DataFrame]:
    count = CSV_BYTES // 87
    table, more = _table(0, count), _table(count, count // 100)
    edited = np.zeros(count, bool)
    edited[np.random.default_rng(1).choice(count, count // 100, replace=False)] = True
    yield table
    yield pl.concat([table, more])
    raised = pl.when(pl.Series(edited)).then(pl.col("amount") + 1).otherwise(pl.col("amount"))
    yield pl.concat([table.with_columns(raised.alias("amount")), more])


def _table(start: int, rows: int) -> pl.DataFrame:
    """Rows of 87 bytes in csv: numbers, times, words."""
    chance = np.random.default_rng(start)
    return pl.DataFrame(
        {
            "id": np.arange(start, start + rows),
            "at": np.datetime64("2024-01-01", "us") + chance.integers(0, 86_400 * 365, rows) * np.timedelta64(10**6),
            "city": chance.choice(["Berlin", "Paris", "Rome", "Madrid", "Vienna", "Oslo"], rows),
            "amount": chance.lognormal(3, 1, rows).round(2),
            "x1": chance.normal(size=rows).round(4),
            "x2": chance.normal(size=rows).round(4),
            "x3": chance.integers(0, 1_000, rows),
            "user": chance.integers(0, 10**9, rows),
            "score": chance.random(rows).round(6),
        }
    )


if __name__ == "__main__":
    for row in run():
        print(row)
