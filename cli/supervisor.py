"""Starts the processes of `millrace up` in order, starts again what dies, and stops them all in reverse order.

One thread decides (`Supervisor.run`); beside it each process has a thread that only copies its output.
"""

import errno
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import IO
from urllib.parse import urlsplit

from cli.journal import Journal
from cli.processes import Process
from cli.watchdog import signal_group, stop_groups

TICK_SECONDS = 0.1
PROBE_SECONDS = 0.5
# What is left of a group when its leader has gone (MLflow's server leaves its children) gets this long.
SWEEP_SECONDS = 2.0
LONGEST_LINE = 2**20


class StartFailed(Exception):
    """A process that had to run to its end before the others did not succeed."""


@dataclass(frozen=True)
class Backoff:
    """Waits of 1, 2, 4 … 30 s between starts; a minute of life starts the row again."""

    first: float = 1.0
    longest: float = 30.0
    healthy: float = 60.0

    def after(self, wait: float, lived: float) -> float:
        return self.first if lived >= self.healthy or wait == 0 else min(wait * 2, self.longest)


class Watchdog:
    """The process that outlives a killed supervisor by as long as it takes to stop its children.

    It inherits the lock of the home, so that nobody starts there before the old processes are gone.
    """

    def __init__(self, environment: Mapping[str, str], lock: int) -> None:
        self._environment = environment
        self._lock = lock
        self._process = self._start()

    def watch(self, groups: set[int]) -> None:
        line = " ".join(map(str, sorted(groups))) + "\n"
        try:
            self._write(line)
        except BrokenPipeError:
            self._process = self._start()
            self._write(line)

    def close(self) -> None:
        self.watch(set())
        self._process.communicate()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101  # opened with a pipe, below
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def _start(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-P", "-m", "cli.watchdog"]
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, env=self._environment, pass_fds=[self._lock], start_new_session=True
        )


class Child:
    """One process, in its own session and process group, over all its starts."""

    def __init__(
        self, process: Process, *, environment: Mapping[str, str], folder: Path, write: Callable[[str], None]
    ) -> None:
        self.process = process
        self.running: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.wait = 0.0
        self.start_at = 0.0
        self._environment = {**environment, **process.env}
        self._folder = folder
        self._write = write

    def start(self, announce: Callable[[], None]) -> None:
        """Start the process. It waits at a gate until `announce` has told the watchdog its group: none can be missed.

        If the supervisor is killed before that, the gate reads the end of the pipe and ends.
        """
        gate = 'IFS= read -r go && exec "$@" </dev/null'
        self.running = subprocess.Popen(
            ["/bin/sh", "-c", gate, self.process.name, *self.process.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        Thread(target=self._copy, args=(self.running.stdout,), name=self.process.name, daemon=True).start()
        announce()
        assert self.running.stdin is not None  # noqa: S101  # opened with a pipe, above
        # Killed at the gate (a second Ctrl-C): its end is noticed like any other.
        with suppress(BrokenPipeError), self.running.stdin as gate_keeper:
            gate_keeper.write(b"go\n")

    def ended(self) -> int | None:
        """The exit status, once it has ended and nothing of its group is left."""
        if self.running is None:
            return None
        status = self.running.poll()
        if status is not None:
            stop_groups({self.running.pid}, SWEEP_SECONDS)
        return status

    def stop(self) -> None:
        """SIGTERM to the leader, who ends its own children in order; then whatever is left of the group is ended."""
        if self.running is None:
            return
        self.running.terminate()
        try:
            self.running.wait(self.process.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.running.wait()
        stop_groups({self.running.pid}, SWEEP_SECONDS)
        self.running = None

    def kill(self) -> None:
        if self.running is not None:
            signal_group(self.running.pid, signal.SIGKILL)

    def _copy(self, stream: IO[bytes]) -> None:
        while line := stream.readline(LONGEST_LINE):
            self._write(line.decode(errors="replace").rstrip("\r\n"))
        stream.close()


class Supervisor:
    """Runs the given processes until it is told to stop."""

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        environment: Mapping[str, str],
        folder: Path,
        lock: int,
        journal: Journal,
        backoff: Backoff | None = None,
    ) -> None:
        self._journal = journal
        self._backoff = backoff or Backoff()
        self._children = [
            Child(
                process,
                environment=environment,
                folder=folder,
                write=journal.channel(process.name, keep=process.keep_log),
            )
            for process in processes
        ]
        self._watchdog = Watchdog(environment, lock)
        self._stopping = Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start in order, call `on_ready` once every process answers, supervise until a signal, stop in reverse order.

        SIGINT, SIGTERM and SIGHUP stop; a second one kills at once. Raises StartFailed when a `once` process fails.
        """
        with self._signals():
            try:
                self._start_in_order()
                self._supervise(on_ready)
            finally:
                self._stop()

    def _start_in_order(self) -> None:
        for child in self._children:
            if self._stopping.is_set():
                return
            child.start(self._tell_watchdog)
            if child.process.once:
                self._run_to_end(child)

    def _run_to_end(self, child: Child) -> None:
        while (status := child.ended()) is None:
            if self._stopping.wait(TICK_SECONDS / 2):
                return
        child.running = None
        self._tell_watchdog()
        if status != 0:
            raise StartFailed(f"{child.process.name} ended with {describe(status)}; its lines above say why")

    def _supervise(self, on_ready: Callable[[], None]) -> None:
        waiting = [child.process for child in self._children if child.process.ready]
        next_probe = 0.0
        while not self._stopping.wait(TICK_SECONDS):
            for child in self._children:
                if not child.process.once:
                    self._tend(child)
            if waiting and time.monotonic() >= next_probe:
                waiting = [process for process in waiting if not answers(process.ready or "")]
                next_probe = time.monotonic() + PROBE_SECONDS
                if not waiting:
                    on_ready()

    def _tend(self, child: Child) -> None:
        """Notice an end, or start again what has waited long enough."""
        if child.running is None:
            if time.monotonic() >= child.start_at:
                child.start(self._tell_watchdog)
            return
        status = child.ended()
        if status is None:
            return
        child.running = None
        self._tell_watchdog()
        child.wait = self._backoff.after(child.wait, time.monotonic() - child.started_at)
        child.start_at = time.monotonic() + child.wait
        self._journal.say(f"{child.process.name} ended with {describe(status)}; it starts again in {child.wait:g} s")

    def _stop(self) -> None:
        self._stopping.set()
        self._journal.say("stopping; once more to kill at once")
        for child in reversed(self._children):
            child.stop()
        self._watchdog.close()

    def _tell_watchdog(self) -> None:
        self._watchdog.watch({child.running.pid for child in self._children if child.running})

    @contextmanager
    def _signals(self) -> Iterator[None]:
        # No printing in here: it may interrupt a print of the same thread.
        def handle(number: int, frame: FrameType | None) -> None:
            if self._stopping.is_set():
                for child in self._children:
                    child.kill()
                return
            self._stopping.set()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, handle) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def answers(url: str) -> bool:
    """Whether `tcp://host:port` accepts a connection, or an HTTP URL says 200."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
        except OSError:
            return False
        return True
    try:
        # No proxy of the environment may stand between processes of one machine.
        with closing(HTTPConnection(parts.netloc, timeout=2)) as connection:
            connection.request("GET", parts.path)
            status: int = connection.getresponse().status
            return status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False


def describe(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises OSError for a host that is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
