"""Commands that run Millrace: `up` for a whole machine, and each process alone by settings (for containers)."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli import processes
from cli.home import DEFAULT_HOME, Home, HomeError
from cli.journal import Journal
from cli.processes import Choices, Process
from cli.supervisor import StartFailed, Supervisor, port_is_free

PANEL = "Run"

HomeOption = Annotated[Path, typer.Option("--home", envvar="MILLRACE_HOME", help="Directory of all state.")]
HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes that share the port.")]
GrpcOption = Annotated[int | None, typer.Option(min=1, max=65535, help="Answer gRPC there too (extra `grpc`).")]
MinOption = Annotated[
    int, typer.Option("--worker-min", envvar="MILLRACE_WORKER_MIN", min=1, help="Worker processes that always wait.")
]
MaxOption = Annotated[
    int, typer.Option("--worker-max", envvar="MILLRACE_WORKER_MAX", min=1, help="Most worker processes at once.")
]
DEFAULT_MAX = max(2, os.cpu_count() or 2)

run = typer.Typer()


@run.command(rich_help_panel=PANEL)
def up(
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = 8000,
    host: HostOption = processes.LOOPBACK,
    worker_min: MinOption = 1,
    worker_max: MaxOption = DEFAULT_MAX,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C.

    State lives in the home alone: stop, start again, and everything is there.
    """
    started = time.monotonic()
    place = Home(home.absolute())
    address = processes.local_url(host, port)
    journal = Journal(place.logs)
    variables = _variables()
    try:
        place.prepare()
        lock = place.lock(address)
        _require_free(host, port)
        plan, shared = processes.everything(
            Choices(place.path, host, port, worker_min, max(worker_min, worker_max), variables)
        )
    except (HomeError, FileNotFoundError) as error:
        _fail(str(error))
    place.address_file.write_text(address + "\n", encoding="utf-8")
    journal.say(f"home {place.path}, logs in {place.logs}")

    def on_ready() -> None:
        journal.say(f"ready in {time.monotonic() - started:.0f} s: {address} (the API is described at {address}/docs)")
        journal.say(
            f"token in {place.token_file}; `millrace` commands started beside {place.path.name} find it by themselves"
        )

    supervisor = Supervisor(
        plan, environment=processes.environment({**os.environ, **shared}), folder=place.path, lock=lock, journal=journal
    )
    try:
        supervisor.run(on_ready)
    except StartFailed as error:
        _fail(str(error))
    finally:
        place.address_file.unlink(missing_ok=True)


@run.command(rich_help_panel=PANEL)
def api(host: HostOption = processes.LOOPBACK, port: PortOption = 8000) -> None:
    """Become the API process."""
    _become(processes.api(host, port))


@run.command(rich_help_panel=PANEL)
def serve(
    host: HostOption = processes.LOOPBACK,
    port: PortOption = 8001,
    workers: WorkersOption = 1,
    grpc_port: GrpcOption = None,
) -> None:
    """Become a serving process, or several on one port: predictions alone, from the model store."""
    _become(processes.serve(host, port, workers, grpc_port=grpc_port))


@run.command(rich_help_panel=PANEL)
def stream(
    endpoint: Annotated[str, typer.Argument(help="The endpoint whose live versions answer.")],
    *,
    source: Annotated[str, typer.Option("--from", help="Stream of rows: each entry has a field `row`, in JSON.")],
    to: Annotated[str, typer.Option("--to", help="Stream of answers.")],
    dead: Annotated[str | None, typer.Option(help="Stream of what cannot be answered; FROM:dead if absent.")] = None,
    group: Annotated[str, typer.Option(help="Consumer group; processes of one group share the rows.")] = "millrace",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows taken at once.")] = 100,
    claim_after: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which a row that a process did not answer is another's.")
    ] = 30.0,
    tries: Annotated[int, typer.Option(min=1, help="Deliveries after which a row is given up.")] = 3,
    max_length: Annotated[int, typer.Option(min=1, help="Newest entries that are kept of answers.")] = 1_000_000,
) -> None:
    """Become a stream consumer: answers rows from a Redis Stream into another (MILLRACE_REDIS_URL)."""
    chosen = {"from": source, "to": to, "dead": dead or f"{source}:dead", "group": group, "batch": batch}
    chosen |= {"claim-after": claim_after, "tries": tries, "max-length": max_length}
    _become(
        processes.stream([endpoint, *(part for name, value in chosen.items() for part in (f"--{name}", str(value)))])
    )


@run.command(rich_help_panel=PANEL)
def worker(worker_min: MinOption = 1, worker_max: MaxOption = DEFAULT_MAX) -> None:
    """Become a worker."""
    _become(processes.worker(worker_min, max(worker_min, worker_max)))


@run.command(rich_help_panel=PANEL)
def beat() -> None:
    """Become the clock; one per installation."""
    _become(processes.beat())


@run.command(rich_help_panel=PANEL)
def mlflow(host: HostOption = processes.LOOPBACK, port: PortOption = 5000, home: HomeOption = DEFAULT_HOME) -> None:
    """Become MLflow's server, below /mlflow. It has no authentication: keep it where only Millrace reaches it."""
    _become(processes.mlflow(host, port, home.absolute() / "mlflow"))


@run.command(rich_help_panel=PANEL)
def migrate() -> None:
    """Bring the database to this version's tables."""
    _become(processes.migrate())


def _variables() -> dict[str, str]:
    """The `MILLRACE_*` settings in force; an empty one counts as absent."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("MILLRACE_") and value}
    if sys.stdout.isatty():
        variables.setdefault("MILLRACE_LOG_FORMAT", "console")
    return variables


def _require_free(host: str, port: int) -> None:
    try:
        free = port_is_free(host, port)
    except OSError as error:
        raise HomeError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --host and --port."
        ) from error
    if not free:
        raise HomeError(f"Port {port} on {host} is in use by another program. Choose another with --port.")


def _become(process: Process) -> NoReturn:
    os.execvpe(process.argv[0], process.argv, {**processes.environment(os.environ), **process.env})  # noqa: S606  # a fixed argument list


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)
