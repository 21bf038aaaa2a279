"""`dvc push` and `dvc pull` of many small files through our remote, against DVC's own remote in a local folder.

The client is DVC's, unmodified, on both sides, in one run. `python -m bench dvc` prints the rows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.table import BenchRow
from bench.upload import running_api

FILES = 1_000
BYTES = 2**10
ROUNDS = 2
DVC = Path(sys.executable).with_name("dvc")


def run() -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        folder = Path(name)
        with running_api(folder / "home") as client:
            repository = _Repository(folder)
            repository.remote("ours", str(client.base_url.join("/dvc/bench")))
            repository.login("ours", (folder / "home" / "token").read_text())
            repository.remote("peer", str(folder / "peer"))
            rounds = [repository.round(number) for number in range(ROUNDS)]
    best = {what: min(seconds[what] for seconds in rounds) for what in rounds[0]}
    note = f"its own remote in a local folder; best of {ROUNDS}"
    rows = []
    for what in ("push", "pull", "push of one changed file"):
        ours, peer = best[what, "ours"], best[what, "peer"]
        rows.append(BenchRow(f"dvc {what}, {FILES:,} files of {BYTES >> 10} KB", ours, peer, "s", ours / peer, note))
    return rows


class _Repository:
    """A folder under Git and DVC, with a home and caches of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "repository"
        self._data = self._folder / "data"
        self._data.mkdir(parents=True)
        places = {name: str(folder / name) for name in ("HOME", "DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR")}
        self._env = {**os.environ, **places, "DVC_NO_ANALYTICS": "1", "NO_PROXY": "127.0.0.1"}
        subprocess.run(["git", "init", "-q"], cwd=self._folder, env=self._env, check=True)
        self._dvc("init")

    def remote(self, name: str, url: str) -> None:
        self._dvc("remote", "add", name, url)

    def login(self, name: str, token: str) -> None:
        for option, value in {"auth": "basic", "user": "bench", "password": token}.items():
            self._dvc("remote", "modify", "--local", name, option, value)

    def round(self, number: int) -> dict[tuple[str, str], float]:
        """Seconds of each command with each remote, on bytes that neither has seen."""
        for file in range(FILES):
            (self._data / f"{file:04}.bin").write_bytes(os.urandom(BYTES))
        self._dvc("add", "data")
        seconds = {("push", remote): self._dvc("push", "-r", remote) for remote in ("ours", "peer")}
        for remote in ("ours", "peer"):
            shutil.rmtree(self._folder / ".dvc" / "cache")
            shutil.rmtree(self._data)
            seconds["pull", remote] = self._dvc("pull", "-r", remote)
            assert len(list(self._data.iterdir())) == FILES, f"the pull of round {number} is not whole"
        (self._data / "0000.bin").unlink()
        (self._data / "0000.bin").write_bytes(os.urandom(BYTES))
        self._dvc("add", "data")
        for remote in ("ours", "peer"):
            seconds["push of one changed file", remote] = self._dvc("push", "-r", remote)
        return seconds

    def _dvc(self, *words: str) -> float:
        started = time.perf_counter()
        subprocess.run([DVC, *words, "-q"], cwd=self._folder, env=self._env, check=True)
        return time.perf_counter() - started


if __name__ == "__main__":
    for row in run():
        print(row)
