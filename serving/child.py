"""What runs in the process of a Python model: loads it within its limits, then answers one question after the other.

`serving.python_process` and `serving.outside_process` are the programs, each with its way to load a model;
`serving.supervisor` starts them. Nothing that serves imports this.
"""

import gc
import logging
import os
import queue
import resource
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from domain.errors import DomainError
from domain.registry.specs import Signature
from ml.models import Predictions
from serving.wire import receive, send

log = logging.getLogger(__name__)

Message = dict[str, Any]


class Answerer(Protocol):
    """A loaded model. A message holds a number of `rows`, and so many of whatever the model takes."""

    signature: Signature

    def answer(self, message: Message) -> Predictions: ...


class Load(Protocol):
    """Loads a model whose code may run if it is `trusted`."""

    def __call__(self, directory: Path, digest: str, *, trusted: bool) -> Answerer: ...


def main(load: Load, argv: Sequence[str]) -> None:
    """Answers until serving is gone.

    `argv`: directory, digest, descriptor of the link, bytes of memory (0: any), whether its code is `trusted`.
    """
    directory, digest, descriptor, memory, trusted = argv
    # Ctrl-C reaches the whole terminal group; serving decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = socket.socket(fileno=int(descriptor))
    # A copy of this process that the model forks must not answer in its place.
    os.register_at_fork(after_in_child=link.close)
    asked: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, asked), daemon=True).start()
    if int(memory):
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    try:
        model = load(Path(directory), digest, trusted=trusted == "trusted")
    except BaseException as error:  # noqa: BLE001 - whatever a stored model raises is the parent's to report
        send(link, {"error": _described(error, "does not load")})
        return
    gc.collect()
    gc.freeze()
    with suppress(OSError):
        send(link, {"ready": True})
        while True:
            send(link, _answer(model, asked.get()))
    os._exit(0)


def _listen(link: socket.socket, asked: "queue.SimpleQueue[Message]") -> None:
    """Takes questions. When serving is gone, however it went, this process and what it has started go too."""
    try:
        while True:
            asked.put(receive(link))
    finally:
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)


def _answer(model: Answerer, message: Message) -> Message:
    rows: int = message["rows"]
    try:
        answer = model.answer(message)
        _check(answer, rows, model.signature)
        values: Any = answer.values
        if model.signature.task == "regression":
            values = np.array(values, dtype=np.float64)
    except BaseException as error:  # noqa: BLE001 - not even a row on which the model wants to exit ends the process
        return {"error": _described(error, "failed")}
    return {"values": values, "probabilities": answer.probabilities}


class WrongAnswer(Exception):
    """What the model returned is not an answer to the rows it was given."""


def _check(answer: Predictions, rows: int, signature: Signature) -> None:
    if len(answer.values) != rows:
        raise WrongAnswer(f"it gave {len(answer.values)} answers to {rows} rows")
    expected = (rows, len(signature.classes))
    if answer.probabilities is not None and answer.probabilities.shape != expected:
        raise WrongAnswer(f"its probabilities have shape {answer.probabilities.shape}, not {expected}")


def _described(error: BaseException, verb: str) -> Message:
    """What to tell: all of a refusal of ours; of anything else the class, because its text may tell of this machine."""
    if isinstance(error, DomainError):
        return {
            "kind": error.kind, "code": error.code, "message": error.message, "where": error.where, "fix": error.fix
        }  # fmt: skip
    log.error("the model %s", verb, exc_info=error)
    if isinstance(error, MemoryError):
        return {"kind": "error", "message": f"The model {verb}: it needs more memory than its process may have."}
    told = str(error) if isinstance(error, WrongAnswer) else f"it raised {type(error).__name__}"
    return {"kind": "error", "message": f"The model {verb}: {told}."}
