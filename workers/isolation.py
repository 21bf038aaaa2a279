"""A model in a process of its own, for workers: whatever it does to a row, the worker goes on and can say which row.

The process (`workers.isolation_process`) loads the model once and forks for whoever answers, so that one that died is
replaced in milliseconds: that is what makes looking for the row that kills it quick.
"""

import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.registry.specs import Package
from ml.encoding import Extra
from ml.model_checks.guard import FailedEvidence, instance_at
from ml.models import Predictions
from serving.wire import receive, send
from workers.children import bare_environment

# How a folder is read: a package, or the MLflow model that a package was made from.
Kind = Literal["package", "trained"]
LOAD_SECONDS: Final = 120.0
BATCH_SECONDS: Final = 60.0
TOTAL_SECONDS: Final = 900.0
# Less than this is no sign of hanging, however few the rows.
_LEAST_SECONDS: Final = 1.0
_LENGTH: Final = struct.Struct(">Q")
_Part = Callable[[int, int], dict[str, Any]]


class _Broke(Exception):
    """What became of the process that was to answer."""

    def __init__(self, how: str, said: str) -> None:
        super().__init__(said)
        self.how, self.said = how, said


class IsolatedModel:
    """A `Model` whose every answer comes from another process. Its questions are asked one at a time.

    A batch on which the process dies, hangs for `batch_seconds` or raises is halved until the row is found, and raised
    as `FailedEvidence` with that row. All questions together get `total_seconds`; after that none is answered.
    """

    def __init__(self, package: Package, nursery: "_Nursery", *, batch_seconds: float, total_seconds: float) -> None:
        self.package = package
        self.signature = package.signature
        self._nursery = nursery
        self._batch_seconds = batch_seconds
        self._left = total_seconds
        self._total = total_seconds
        self._lock = threading.Lock()

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        def part(low: int, high: int) -> dict[str, Any]:
            return {"instances": list(instances[low:high]), "extra": extra}

        return self._answers(part, len(instances), lambda row: dict(instances[row]))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        def part(low: int, high: int) -> dict[str, Any]:
            return {"columns": {name: values[low:high] for name, values in columns.items()}}

        rows = len(next(iter(columns.values()), ()))
        return self._answers(part, rows, lambda row: instance_at(columns, row))

    def _answers(self, part: _Part, rows: int, instance: Callable[[int], dict[str, Any]]) -> Predictions:
        with self._lock:
            try:
                reply = self._ask(part(0, rows), self._batch_seconds)
            except _Broke as error:
                found = self._find_row(part, rows, error)
                if found is None:
                    raise FailedEvidence(_together(error, rows, self._batch_seconds), how=_slow(error.how)) from error
                row, broke = found
                message = f"The model {broke.said} on row {row}."
                raise FailedEvidence(message, how=broke.how, row=row, instance=instance(row)) from error
        return self._read(reply)

    def _find_row(self, part: _Part, rows: int, broke: _Broke) -> tuple[int, _Broke] | None:
        """The first half that fails is halved again; None when its last row alone is answered."""
        low, high, seconds = 0, rows, self._batch_seconds
        while high - low > 1:
            middle = (low + high) // 2
            seconds = max(_LEAST_SECONDS, seconds / 2)
            failed = self._tried(part(low, middle), seconds)
            low, high = (low, middle) if failed else (middle, high)
        if rows == 1:
            return 0, broke
        last = self._tried(part(low, high), max(_LEAST_SECONDS, seconds))
        return (low, last) if last else None

    def _tried(self, message: dict[str, Any], seconds: float) -> _Broke | None:
        try:
            self._ask(message, seconds)
        except _Broke as error:
            return error
        return None

    def _ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        if self._left <= 0:
            raise FailedEvidence(f"The model has used up the {self._total:g} s it is given for all checks.", how="slow")
        started = time.monotonic()
        try:
            reply = self._nursery.ask(message, seconds=min(seconds, self._left))
        finally:
            self._left -= time.monotonic() - started
        if "error" in reply:
            error = reply["error"]
            if error["kind"] == Invalid.kind:
                raise Invalid(error["message"], where=error["where"], fix=error["fix"])
            raise _Broke("raised", f"raises {error['message']}")
        return reply

    def _read(self, reply: dict[str, Any]) -> Predictions:
        values, probabilities = reply["values"], reply["probabilities"]
        if self.signature.task == "regression":  # JSON has no NaN
            values = [np.nan if value is None else value for value in values]
        stacked = None if probabilities is None else np.array(probabilities, dtype=np.float64)
        return Predictions(values, stacked, self.signature.classes)


def _slow(how: str) -> str:
    return "slow" if how == "hung" else how


def _together(error: _Broke, rows: int, seconds: float) -> str:
    if error.how == "hung":
        return f"The model did not answer {rows} rows within {seconds:g} s, though none of them hangs by itself."
    return f"The model {error.said} on {rows} rows together, though on none of them by itself."


@contextmanager
def isolated(
    package: Package,
    directory: Path,
    *,
    scratch: Path,
    kind: Kind = "package",
    model: Path | None = None,
    trusted: bool = False,
    batch_seconds: float = BATCH_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> Iterator[IsolatedModel]:
    """The model of a package's `directory` in a process of its own; with kind `trained` the MLflow model in `model`.

    Raises `FailedEvidence` when it cannot be loaded, whatever its code does.
    """
    with _nursery(scratch) as nursery:
        place = {"directory": str(directory), "model": str(model) if model else None}
        nursery.load({"kind": kind, "trusted": trusted, **place})
        yield IsolatedModel(package, nursery, batch_seconds=batch_seconds, total_seconds=total_seconds)


def resident_mb(directory: Path, instances: Sequence[dict[str, Any]], *, scratch: Path, trusted: bool = False) -> float:
    """Resident memory, in MiB, that loading a package and answering rows adds to a fresh process.

    Raises `FailedEvidence` when the package cannot be loaded or does not answer.
    """
    with _nursery(scratch) as nursery:
        order = {"kind": "package", "trusted": trusted, "directory": str(directory), "measure": list(instances)}
        added: float = nursery.load(order)["resident_kb"]
        return added / 1024


@contextmanager
def _nursery(scratch: Path) -> Iterator["_Nursery"]:
    with TemporaryDirectory(dir=scratch) as home:
        nursery = _Nursery(home)
        try:
            yield nursery
        finally:
            nursery.close()


class _Nursery:
    """The parent's end: the process that has loaded the model, and the one it has forked to answer."""

    def __init__(self, home: str) -> None:
        self._control, theirs = socket.socketpair()
        self._link: socket.socket | None = None
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "workers.isolation_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a model prints belongs in the log
                env=bare_environment(home) | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            )

    def load(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            send(self._control, order)
            reply = receive(self._control, seconds=LOAD_SECONDS)
        except TimeoutError as error:
            raise FailedEvidence(f"The model was not loaded within {LOAD_SECONDS:g} s.", how="hung") from error
        except OSError as error:
            self._process.kill()
            ended = _ended(self._process.wait())
            raise FailedEvidence(f"The model {ended} while it was loaded.", how="crashed") from error
        if "error" in reply:
            raise FailedEvidence(f"The model cannot be loaded: {reply['error']['message']}", how="raised")
        return reply

    def ask(self, message: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """Raises `_Broke`; the process that broke is gone then."""
        try:
            if self._link is None:
                self._link = self._fork()
            body = pickle.dumps(message, protocol=5)
            self._link.settimeout(seconds)
            self._link.sendall(_LENGTH.pack(len(body)) + body)
            return receive(self._link, seconds=seconds)
        except TimeoutError as error:
            self._end()
            raise _Broke("hung", f"gave no answer within {seconds:g} s") from error
        except OSError as error:
            raise _Broke("crashed", _ended(self._end())) from error

    def _fork(self) -> socket.socket:
        self._control.settimeout(LOAD_SECONDS)
        send(self._control, {"fork": True})
        _, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not descriptors:
            raise ConnectionError("the process that forks is gone")
        return socket.socket(fileno=descriptors[0])

    def _end(self) -> int:
        """Ends the process that answers, if it has not ended by itself; how it ended."""
        if self._link is not None:
            self._link.close()
            self._link = None
        try:
            send(self._control, {"end": True})
            status: int = receive(self._control, seconds=LOAD_SECONDS)["status"]
        except OSError:
            return self._process.poll() or 0
        return status

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._control.close()  # the process ends, and whoever it has forked, when it sees this
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _ended(status: int) -> str:
    if status < 0:
        return f"crashed ({signal.Signals(-status).name})"
    return f"ended its process (exit status {status})"
