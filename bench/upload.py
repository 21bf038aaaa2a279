"""An upload through the API, until the version is recorded, against `md5sum` of the same bytes.

One large file and a folder of small ones, to a server in its own process. `python -m bench.upload` prints the rows.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.table import BenchRow

LARGE_BYTES = 256 * 2**20
SMALL_FILES = 1_000
SMALL_BYTES = 16 * 2**10
ROUNDS = 3
ROOT = Path(__file__).parent.parent


def run() -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        large, small = Path(folder, "large"), Path(folder, "small")
        for path in (large, small):
            path.mkdir()
        with running_api(Path(folder, "home")) as client:
            rows = []
            for name, source, count, size in (
                (f"upload, one file of {LARGE_BYTES >> 20} MB", large, 1, LARGE_BYTES),
                (f"upload, {SMALL_FILES:,} files of {SMALL_BYTES >> 10} KB", small, SMALL_FILES, SMALL_BYTES),
            ):
                rounds = [_round(client, source, count, size) for _ in range(ROUNDS)]
                ours, peer = (min(figures) for figures in zip(*rounds, strict=True))
                rows.append(BenchRow(name, ours, peer, "s", ours / peer, f"md5sum; best of {ROUNDS}"))
    return rows


def _round(client: httpx.Client, source: Path, count: int, size: int) -> tuple[float, float]:
    """Seconds of an upload of new bytes, and of md5sum on them."""
    files = [source / f"{number:05}.bin" for number in range(count)]
    for path in files:
        path.write_bytes(os.urandom(size))
    started = time.perf_counter()
    with ExitStack() as opened:
        parts = [("files", (path.name, opened.enter_context(path.open("rb")))) for path in files]
        answer = client.post("/api/v1/datasets/bench/versions", files=parts)
    ours = time.perf_counter() - started
    assert answer.status_code == 201, answer.text
    started = time.perf_counter()
    subprocess.run(["md5sum", *files], check=True, stdout=subprocess.DEVNULL)
    return ours, time.perf_counter() - started


@contextmanager
def running_api(home: Path) -> Iterator[httpx.Client]:
    """The API on a fresh home, and a client with its token."""
    env = {**os.environ, "MILLRACE_HOME": str(home), "MILLRACE_LOG_LEVEL": "ERROR", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "migrations", "upgrade"], env=env, cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "api.bootstrap"], env=env, cwd=ROOT, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = ["uvicorn", "--factory", "api.main:build", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen([sys.executable, "-m", *serve], env=env, cwd=ROOT, start_new_session=True)
    try:
        headers = {"Authorization": f"Bearer {(home / 'token').read_text()}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
            _wait_for(client)
            client.post("/api/v1/datasets", json={"name": "bench"}).raise_for_status()
            yield client
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if client.get("/livez").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the API did not come up")


if __name__ == "__main__":
    for row in run():
        print(row)
