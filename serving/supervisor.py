"""Keeps one process of a Python model alive: starts it, asks it, kills it when it hangs, restarts it with backoff."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from domain.errors import DomainError, Invalid
from serving.errors import ModelFailed
from serving.wire import receive, send

log = logging.getLogger(__name__)

_LOAD_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 2.0
_STEADY_SECONDS: Final = 60.0
_BACKOFF_SECONDS: Final = (0.1, 1.0, 2.0, 5.0, 15.0, 30.0)
_TRY_AGAIN: Final = "Try again in a few seconds."
# The settings of serving, secrets among them, stay here.
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
# Processes share the cores by themselves: threads of their own would only get into each other's way.
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """How many processes a Python model gets, and what each may take."""

    processes: int = 1
    memory_bytes: int = 4 * 2**30
    timeout_seconds: float = 30.0


class ModelDied(ModelFailed):
    """The process ended, or was ended because it hung, while it was asked."""


class ModelAway(ModelFailed):
    """The process is being restarted; it has not been asked."""

    def __init__(self) -> None:
        super().__init__("The model's process is being restarted.", fix=_TRY_AGAIN)


class Supervisor:
    """One process of a model, of the program `program`. `locate` gives its verified directory, at each start."""

    def __init__(
        self, digest: str, program: str, locate: Callable[[], Path], limits: ProcessLimits, *, trusted: bool = False
    ) -> None:
        self._digest = digest
        self._trusted = trusted
        self._program = program
        self._locate = locate
        self._limits = limits
        self._asking = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._up = threading.Event()
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process that answers now; None while it is being restarted."""
        return self._child.pid if self._child is not None and self._up.is_set() else None

    def start(self) -> None:
        """Returns when the model is loaded. Raises what its package is refused for, or ModelFailed."""
        try:
            self._spawn()
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._supervise, name=f"model-{self._digest[:8]}", daemon=True).start()

    def wait_until_up(self, seconds: float) -> bool:
        return self._up.wait(seconds)

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One question at a time; a process that does not answer in time is killed, because its state is unknown.

        Raises ModelAway, ModelDied, or ModelFailed for what the model raised.
        """
        with self._asking:
            link = self._link
            if link is None:
                raise ModelAway
            try:
                link.settimeout(self._limits.timeout_seconds)
                send(link, message)
                reply = receive(link, seconds=self._limits.timeout_seconds)
            except OSError as error:  # closed, reset, timed out, or no message
                self._drop()
                hung = isinstance(error, TimeoutError)
                reason = f"did not answer within {self._limits.timeout_seconds:g} s" if hung else "died"
                log.warning("a process of model %s %s", self._digest[:12], reason)
                raise ModelDied(f"The model's process {reason}.", fix=_TRY_AGAIN) from error
        if "error" in reply:
            raise _raised(reply["error"])
        return reply

    def stop(self) -> None:
        self._stopping.set()
        self._drop()

    def _spawn(self) -> None:
        directory = self._locate()
        ours, theirs = socket.socketpair()
        order = [str(directory), self._digest, str(theirs.fileno()), str(self._limits.memory_bytes)]
        order.append("trusted" if self._trusted else "")
        with theirs:
            child = subprocess.Popen(
                [sys.executable, "-m", self._program, *order],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a model prints belongs in the log
                env=_environment(),
                start_new_session=True,  # so that what it starts ends with it
            )
        self._child = child
        try:
            reply = receive(ours, seconds=_LOAD_SECONDS)
        except OSError as error:
            ours.close()
            raise ModelFailed("The model's process ended or hung while it was loading.") from error
        if "error" in reply:
            ours.close()
            raise _raised(reply["error"])
        self._link = ours
        self._up.set()

    def _supervise(self) -> None:
        """Waits for the process to end; starts another unless that was wished."""
        delays = _delays()
        while not self._stopping.is_set():
            child = self._child
            started = time.monotonic()
            if child is not None:
                child.wait()
                _end(child)
            if time.monotonic() - started > _STEADY_SECONDS:
                delays = _delays()
            with self._asking:
                self._close_link()
            if self._stopping.wait(next(delays)):
                break
            log.warning("restarting a process of model %s", self._digest[:12])
            try:
                self._spawn()
            except (DomainError, OSError) as error:
                if not self._stopping.is_set():
                    log.warning("a process of model %s does not start: %s", self._digest[:12], error)
                self._drop()
        self._drop()

    def _drop(self) -> None:
        """Ends the process with all that it started, if there is one, and reaps it."""
        self._close_link()
        child = self._child
        if child is not None:
            _end(child)
            child.wait(_STOP_SECONDS)

    def _close_link(self) -> None:
        self._up.clear()
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ends the process and whatever it has started, which is all that is left when it has ended by itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **_ONE_THREAD,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def _delays() -> Iterator[float]:
    yield from _BACKOFF_SECONDS
    while True:
        yield _BACKOFF_SECONDS[-1]


def _raised(described: dict[str, Any]) -> DomainError:
    """The refusal of the other process as the same class here, by its code; anything unexpected as ModelFailed."""
    if described["kind"] != Invalid.kind:
        return ModelFailed(described["message"])
    known = {each.code: each for each in Invalid.__subclasses__()}
    return known.get(described["code"], Invalid)(described["message"], where=described["where"], fix=described["fix"])
