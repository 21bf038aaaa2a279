"""A Python-flavoured model, answered by a process of its own so that MLflow and scikit-learn stay out of this one."""

import logging
import math
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import DomainError, Invalid
from domain.registry.specs import Package
from ml.encoding import Extra
from ml.models import Predictions
from serving.errors import ModelFailed
from serving.wire import receive, send

log = logging.getLogger(__name__)

_LOAD_SECONDS = 120.0
_STOP_SECONDS = 2.0
_STEADY_SECONDS = 60.0
_BACKOFF_SECONDS = (0.1, 1.0, 2.0, 5.0, 15.0, 30.0)


class PythonModel:
    """A model in a child process. The process ends when the last reference to the model is dropped."""

    def __init__(self, package: Package, supervisor: "Supervisor") -> None:
        self.package = package
        self.signature = package.signature
        self._supervisor = supervisor
        weakref.finalize(self, supervisor.stop)

    @property
    def pid(self) -> int | None:
        """The process that answers now; None while it is being restarted."""
        return self._supervisor.pid

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        """As `ml.models.Model`; raises ModelFailed when the process died, hangs or is being restarted."""
        reply = self._supervisor.ask({"instances": instances, "extra": extra})
        values = reply["values"]
        if self.signature.task == "regression":  # JSON has no NaN
            values = [math.nan if value is None else value for value in values]
        probabilities = reply["probabilities"]
        return Predictions(
            values=values,
            probabilities=None if probabilities is None else np.array(probabilities, dtype=np.float64),
            classes=self.signature.classes,
        )


def start_python_model(
    digest: str, package: Package, locate: Callable[[], Path], *, timeout_seconds: float = 30.0, trusted: bool = False
) -> PythonModel:
    """Starts the model's process and waits until it is loaded. `locate` gives its verified directory, at each start.

    Raises what the package is refused for, or ModelFailed.
    """
    supervisor = Supervisor(digest, locate, timeout_seconds=timeout_seconds, trusted=trusted)
    supervisor.start()
    return PythonModel(package, supervisor)


class Supervisor:
    """Keeps one model process alive: starts it, asks it, kills it when it hangs, restarts it with backoff."""

    def __init__(
        self, digest: str, locate: Callable[[], Path], *, timeout_seconds: float, trusted: bool = False
    ) -> None:
        self._digest = digest
        self._trusted = trusted
        self._locate = locate
        self._timeout_seconds = timeout_seconds
        self._asking = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process that answers now; None while it is being restarted."""
        return self._child.pid if self._child is not None and self._link is not None else None

    def start(self) -> None:
        try:
            self._spawn()
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._supervise, name=f"model-{self._digest[:8]}", daemon=True).start()

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One question at a time; a process that does not answer in time is killed, because its state is unknown."""
        with self._asking:
            link = self._link
            if link is None:
                raise ModelFailed("The model's process is being restarted.", fix="Try again in a few seconds.")
            try:
                link.settimeout(self._timeout_seconds)
                send(link, message)
                reply = receive(link, seconds=self._timeout_seconds)
            except OSError as error:  # closed, reset or timed out
                self._drop()
                hung = isinstance(error, TimeoutError)
                reason = f"did not answer within {self._timeout_seconds:g} s" if hung else "died"
                raise ModelFailed(f"The model's process {reason}.", fix="Try again in a few seconds.") from error
        if "error" in reply:
            raise _raised(reply["error"])
        return reply

    def stop(self) -> None:
        self._stopping.set()
        self._drop()

    def _spawn(self) -> None:
        directory = self._locate()
        ours, theirs = socket.socketpair()
        with theirs:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "serving.python_process", str(directory), self._digest),
                    *(str(theirs.fileno()), "trusted" if self._trusted else ""),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a model prints belongs in the log
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
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

    def _supervise(self) -> None:
        """Waits for the process to end; starts another unless that was wished."""
        delays = _delays()
        while not self._stopping.is_set():
            child = self._child
            started = time.monotonic()
            if child is not None:
                child.wait()
            if time.monotonic() - started > _STEADY_SECONDS:
                delays = _delays()
            with self._asking:
                self._close_link()
            if self._stopping.wait(next(delays)):
                break
            log.warning("restarting the process of model %s", self._digest[:12])
            try:
                self._spawn()
            except (DomainError, OSError) as error:
                log.warning("the process of model %s does not start: %s", self._digest[:12], error)
                self._drop()
        self._drop()

    def _drop(self) -> None:
        """Ends the process, if there is one, and reaps it."""
        self._close_link()
        child = self._child
        if child is not None:
            child.kill()
            child.wait(_STOP_SECONDS)

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _delays() -> Iterator[float]:
    yield from _BACKOFF_SECONDS
    while True:
        yield _BACKOFF_SECONDS[-1]


def _raised(described: dict[str, Any]) -> DomainError:
    """The refusal of the other process as the same class here, by its code; anything unexpected as ModelFailed."""
    if described["kind"] != Invalid.kind:
        return ModelFailed(f"The model failed: {described['message']}.")
    known = {each.code: each for each in Invalid.__subclasses__()}
    return known.get(described["code"], Invalid)(described["message"], where=described["where"], fix=described["fix"])
