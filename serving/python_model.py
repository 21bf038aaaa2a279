"""A Python-flavoured model, answered by processes of its own so that MLflow and scikit-learn stay out of this one."""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from domain.registry.specs import Package
from ml.encoding import STRINGS, Encoder, Extra
from ml.models import OUTSIDE_FOLDER, Predictions
from serving.batcher import AskModel, Batcher, Batching, Content
from serving.errors import ModelFailed
from serving.supervisor import ModelAway, ProcessLimits, Supervisor

# For whoever asks without an endpoint: a probe, a copy of a request.
_UNBATCHED: Final = Batching(rows=1000, delay_seconds=0.0)


class Question:
    """Rows that have been checked, in the form in which they go to the model."""

    def __init__(self, content: Content, rows: int) -> None:
        self.content = content
        self.rows = rows


class PythonModel:
    """A model in child processes. They end when the last reference to the model is dropped."""

    def __init__(
        self, package: Package, supervisors: Sequence[Supervisor], limits: ProcessLimits, *, by_rows: bool = False
    ) -> None:
        self.package = package
        self.signature = package.signature
        self._encoder = Encoder(package.signature)
        self._by_rows = by_rows
        self._supervisors = supervisors
        self._timeout_seconds = limits.timeout_seconds
        self._batcher = Batcher()
        for supervisor in supervisors:
            work = (supervisor, _asker(supervisor, package))
            threading.Thread(target=self._batcher.work, args=work, name="python-model", daemon=True).start()
        weakref.finalize(self, _end, self._batcher, supervisors)

    @property
    def pids(self) -> list[int]:
        """The processes that answer now, without those that are being restarted."""
        return [supervisor.pid for supervisor in self._supervisors if supervisor.pid is not None]

    def encode(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Question:
        """The question that the rows ask. Raises `Invalid` naming row and column, see `ml.encoding`."""
        feeds = self._encoder.encode_rows(instances, extra=extra)
        return Question({"instances": list(instances)} if self._by_rows else feeds, len(instances))

    async def answer(self, question: Question, batching: Batching, deadline: float) -> Predictions:
        """The answers, in a batch with those of other callers. `deadline` is a time of `time.monotonic`.

        Raises DeadlineExceeded, or ModelFailed when the model fails, dies, hangs or is being restarted.
        """
        if not self.pids:
            raise ModelAway
        return await self._batcher.ask(question.content, question.rows, batching, deadline)

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        """As `ml.models.Model`, from any thread that runs no event loop."""
        question = self.encode(instances, extra=extra)
        return asyncio.run(self.answer(question, _UNBATCHED, time.monotonic() + self._timeout_seconds + 1))


def start_python_model(
    digest: str, package: Package, locate: Callable[[], Path], limits: ProcessLimits, *, trusted: bool = False
) -> PythonModel:
    """Starts the model's processes and waits until they are loaded. `locate` gives its verified directory.

    Raises what the package is refused for, or ModelFailed.
    """
    # One trained here is read by skops alone, and runs nothing; what is trusted may be anything that MLflow can load.
    by_rows = trusted or is_outside(package)
    program = "serving.outside_process" if by_rows else "serving.python_process"
    supervisors = [Supervisor(digest, program, locate, limits, trusted=trusted) for _ in range(limits.processes)]
    try:
        for supervisor in supervisors:
            supervisor.start()
    except BaseException:
        for supervisor in supervisors:
            supervisor.stop()
        raise
    return PythonModel(package, supervisors, limits, by_rows=by_rows)


def is_outside(package: Package) -> bool:
    """Whether the model was made by others: it may be anything that MLflow can load."""
    return any(file.path.startswith(f"{OUTSIDE_FOLDER}/") for file in package.files)


def _asker(supervisor: Supervisor, package: Package) -> AskModel:
    signature = package.signature

    def ask(content: Content, rows: int) -> Predictions:
        message = {**content, "rows": rows}
        if STRINGS in content:
            message[STRINGS] = content[STRINGS].tolist()
        reply = supervisor.ask(message)
        values = reply["values"]
        if isinstance(values, np.ndarray):
            values = values.tolist()
        if len(values) != rows:
            raise ModelFailed("The model's process sent no answer.")
        return Predictions(values, reply["probabilities"], signature.classes)

    return ask


def _end(batcher: Batcher, supervisors: Sequence[Supervisor]) -> None:
    batcher.close()
    for supervisor in supervisors:
        supervisor.stop()
