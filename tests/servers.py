"""Real servers for tests: a Valkey, a Postgres and an MLflow of one's own, in a folder, gone at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from cli.processes import valkey as valkey_process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def valkey(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """The URL of a running Valkey that keeps its data in `folder`."""
    chosen = port or free_port()
    described = valkey_process(chosen, folder, "secret")
    url = f"redis://:secret@127.0.0.1:{chosen}/0"
    with subprocess.Popen(described.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        client = Redis.from_url(url)
        try:
            _wait_for(client)
            yield url
        finally:
            client.close()
            server.kill()


def _wait_for(client: Redis) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def mlflow(folder: Path) -> Iterator[str]:
    """The URL of a running MLflow server that keeps its database and artifacts in `folder`."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it leaves children behind when it is killed alone
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for_health(url, process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_health(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "MLflow's server ended by itself."
        try:
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("MLflow's server did not start within a minute.")
