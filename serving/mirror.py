"""Copies of requests for the candidate of a rollout: off the request's path, in a thread of its own that rests."""

import logging
import threading
import time
from collections import deque
from random import random, shuffle
from typing import Final, NamedTuple

import orjson

from domain.deployments.specs import EndpointSettings
from domain.errors import DomainError, Invalid
from domain.registry.specs import Label
from ml.models import Predictions
from serving.arms import Copies, is_fault
from serving.engine import Loaded
from serving.protocols.exchange import Ask
from serving.recorder import Recorder
from serving.segments import Recorded

log = logging.getLogger(__name__)

# Copies that may wait. More are dropped: they are no more than a sample.
_MOST_WAITING: Final = 256
_STOP_SECONDS: Final = 2.0
# The thread works for at most this part of the time. A priority of its own would not do: whoever holds the
# interpreter's lock and is not given the processor holds up everybody.
_BUSY: Final = 0.25
# Of the copies, so many are also asked of the control again, to time both. Python models answer one at a time.
_TIMED_QUICK, _TIMED_SLOW = 0.25, 0.05


class Mirrored(NamedTuple):
    """A request that the control has answered: its first row is asked again.

    `value` is what the caller was told,
    by the id `prediction_id`.
    """

    endpoint: str
    settings: EndpointSettings
    control: Loaded
    candidate: Loaded
    version: int
    ratio: float
    copies: Copies
    ask: Ask
    value: Label
    prediction_id: str


class Mirror:
    """Takes copies without ever waiting, and asks the candidate.

    Its answers are recorded with the mode `shadow`,
    by the id of the answer that the caller was given.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: deque[Mirrored] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, unless a candidate hangs in it; copies that still wait are let go."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None
        self._waiting.clear()

    def offer(self, copy: Mirrored) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            copy.copies.dropped()
            return
        self._waiting.append(copy)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                copy = self._waiting.popleft()
            except IndexError:
                self._wake.wait()
                self._wake.clear()
                continue
            began = time.monotonic()
            try:
                self._ask(copy)
            except Exception:  # one copy is no reason to stop
                log.exception("a copy of a request of %s was lost", copy.endpoint)
            del copy  # it holds two models
            self._stopping.wait((time.monotonic() - began) * (1 / _BUSY - 1))

    def _ask(self, copy: Mirrored) -> None:
        rows = copy.ask.rows[:1]
        began = time.perf_counter_ns()
        try:
            found = _predict(copy.candidate, copy, rows)
        except Exception as error:  # noqa: BLE001 - whatever a candidate raises is what the trial is to find
            # The control took the row. Whoever refuses it, or fails, is at fault; whoever is busy is not.
            if is_fault(error) or isinstance(error, Invalid):
                if copy.copies.failed():
                    _explain(error, copy)
            else:
                copy.copies.dropped()
            return
        elapsed = time.perf_counter_ns() - began
        copy.copies.answered(found, copy.value)
        share = _TIMED_QUICK if copy.control.quick and copy.candidate.quick else _TIMED_SLOW
        if random() < share:  # noqa: S311 - a sample, no secret
            self._time(copy, rows)
        if copy.settings.record:
            self._record(copy, rows, found, elapsed // 1000)

    def _time(self, copy: Mirrored, rows: list[dict[str, object]]) -> None:
        """Which of the two is slower for these rows, now, each warmed up and in an order drawn by lot."""
        took: dict[bool, int] = {}
        order = [True, False]
        shuffle(order)
        try:
            _predict(copy.control, copy, rows)
            _predict(copy.candidate, copy, rows)
            for is_candidate in order:
                began = time.perf_counter_ns()
                _predict(copy.candidate if is_candidate else copy.control, copy, rows)
                took[is_candidate] = time.perf_counter_ns() - began
        except Exception as error:  # noqa: BLE001 - a pair that was not timed says nothing; faults are counted elsewhere
            log.debug("a copy of a request of %s was not timed: %s", copy.endpoint, error)
            return
        copy.copies.timed(slower=took[True] > copy.ratio * took[False])

    def _record(self, copy: Mirrored, rows: list[dict[str, object]], found: Predictions, latency_us: int) -> None:
        self._recorder.record(
            Recorded(
                endpoint=copy.endpoint,
                version=copy.version,
                package=copy.candidate.digest,
                mode="shadow",
                signature=copy.candidate.model.signature,
                at=time.time_ns() // 1000,
                latency_us=latency_us,
                ids=[copy.prediction_id],
                inputs=orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY),
                has_extra=len(rows[0]) > len(copy.candidate.model.signature.inputs),
                redact=tuple(copy.settings.redact),
                predictions=found.values,
                probabilities=found.probabilities,
            )
        )


def _predict(loaded: Loaded, copy: Mirrored, rows: list[dict[str, object]]) -> Predictions:
    return loaded.model.predict(rows, extra=copy.settings.extra_columns)


def _explain(error: Exception, copy: Mirrored) -> None:
    log.warning(
        "version %d fails a copy of a request of %s: %s",
        copy.version,
        copy.endpoint,
        error,
        exc_info=not isinstance(error, DomainError),
    )
