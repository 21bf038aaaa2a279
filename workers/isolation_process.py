"""The process of an isolated model: `python -m workers.isolation_process FD`. Started by `workers.isolation`.

It loads the model and answers nothing itself: it forks a process for that, gives the worker the other end of its link,
and forks another when that one has died. Nothing the worker sends comes from the model, so it may be a pickle; what
goes back is JSON.
"""

import os
import pickle
import resource
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from adapters.model_files import load_package, load_trained
from domain.errors import DomainError
from ml.models import Model
from serving.wire import Closed, receive, send

_LENGTH = struct.Struct(">Q")
_GRACE_SECONDS = 0.3


def main(descriptor: int) -> None:
    # Ctrl-C reaches the whole terminal group; the worker decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    order = receive(control)
    before = _resident_kb()
    try:
        model = _load(order)
        if "measure" in order:
            model.predict(order["measure"])
    except Exception as error:  # noqa: BLE001 - whatever a stored model raises is the worker's to report
        send(control, {"error": _described(error)})
        return
    send(control, {"resident_kb": max(0, _resident_kb() - before)})
    _nurse(control, model)


def _load(order: dict[str, Any]) -> Model:
    directory, trusted = Path(order["directory"]), order["trusted"]
    if order["kind"] == "trained":
        return load_trained(directory, Path(order["model"]), trusted=trusted)
    return load_package(directory, trusted=trusted)


def _nurse(control: socket.socket, model: Model) -> None:
    """Fork on demand, and say how the last one ended. When the worker is gone, all of them go."""
    child = 0
    try:
        while True:
            if "fork" in receive(control):
                child = _fork(control, model)
            else:
                status, child = _end(child), 0
                send(control, {"status": status})
    except Closed:
        _end(child)


def _fork(control: socket.socket, model: Model) -> int:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        control.close()
        theirs.close()
        _answer_all(ours, model)
        os._exit(0)
    ours.close()
    socket.send_fds(control, [b"f"], [theirs.fileno()])
    theirs.close()
    return child


def _end(child: int) -> int:
    """The exit status of the child, minus the signal that ended it; 0 when there is none."""
    if not child:
        return 0
    # One that ends by itself closes its link a moment before: how it ended is not to be what we did to it.
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _answer_all(link: socket.socket, model: Model) -> None:
    try:
        while True:
            send(link, _answer(model, pickle.loads(_receive(link))))  # noqa: S301 - of the worker, see above
    except OSError:
        return


def _receive(link: socket.socket) -> bytes:
    size: int = _LENGTH.unpack(_exactly(link, _LENGTH.size))[0]
    return _exactly(link, size)


def _exactly(link: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = link.recv(min(size - len(parts), 2**20))
        if not part:
            raise Closed("the worker closed the link")
        parts += part
    return bytes(parts)


def _answer(model: Model, message: dict[str, Any]) -> dict[str, Any]:
    try:
        if "columns" in message:
            answer = model.predict_columns(message["columns"])
        else:
            answer = model.predict(message["instances"], extra=message["extra"])
    except Exception as error:  # noqa: BLE001 - a bad row is an answer too
        return {"error": _described(error)}
    return {"values": answer.values, "probabilities": answer.probabilities}


def _described(error: Exception) -> dict[str, Any]:
    if isinstance(error, DomainError):
        return {"kind": error.kind, "message": error.message, "where": error.where, "fix": error.fix}
    return {"kind": "error", "message": f"{type(error).__name__}: {error}"[:1000], "where": None, "fix": None}


def _resident_kb() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux: the most there has been
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize() // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
