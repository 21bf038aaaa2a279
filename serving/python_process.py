"""The process of one Python-flavoured model: `python -m serving.python_process DIRECTORY DIGEST FD TRUSTED`.

Started by `serving.python_model`, which keeps MLflow and scikit-learn out of the serving process. Nothing imports this.
"""

import os
import queue
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from adapters.model_files import load_python_model
from domain.errors import DomainError
from ml.models import Model
from serving.wire import receive, send


def main(directory: Path, digest: str, descriptor: int, *, trusted: bool) -> None:
    # Ctrl-C reaches the whole terminal group; serving decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = socket.socket(fileno=descriptor)
    asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, asked), daemon=True).start()
    try:
        model = load_python_model(directory, digest=digest, trusted=trusted)
    except Exception as error:  # noqa: BLE001 - whatever a stored model raises is the parent's to report
        send(link, {"error": _described(error)})
        return
    send(link, {"ready": True})
    while True:
        send(link, _answer(model, asked.get()))


def _listen(link: socket.socket, asked: "queue.SimpleQueue[dict[str, Any]]") -> None:
    """Takes questions. When serving is gone, however it went, this process goes too, even amid an answer."""
    try:
        while True:
            asked.put(receive(link))
    except OSError:
        os._exit(0)


def _answer(model: Model, message: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = model.predict(message["instances"], extra=message["extra"])
    except Exception as error:  # noqa: BLE001 - a bad row must not end the process
        return {"error": _described(error)}
    return {"values": answer.values, "probabilities": answer.probabilities}


def _described(error: Exception) -> dict[str, Any]:
    if isinstance(error, DomainError):
        return {
            "kind": error.kind, "code": error.code, "message": error.message, "where": error.where, "fix": error.fix
        }  # fmt: skip
    return {"kind": "error", "message": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), trusted=sys.argv[4] == "trusted")
