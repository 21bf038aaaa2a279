"""A rollout on trial, as one serving process sees it: who answers, what is counted, and what the store is told.

The router has requests answered by `LiveTrial`; answering tells `Drawn` what came of them; `Trials` writes the counts
for the control plane, which decides. While there is no trial, none of it runs.
"""

import asyncio
import logging
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from os import getpid
from random import random
from typing import Final, Generic, Protocol, TypeVar

import orjson

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.deployments.specs import ArmCounts, MirrorCounts, Routes, Trial, TrialCounts
from domain.errors import DomainError, Invalid, Unavailable
from ml.models import Predictions
from serving.arms import Arm, Copies, Tally, is_fault
from serving.engine import Loaded
from serving.mirror import Mirror, Mirrored
from serving.protocols.exchange import Ask, Reply
from serving.recorder import Recorder

log = logging.getLogger(__name__)

_WRITE_SECONDS: Final = 0.25
# Counts of a step that is over are kept this long, for requests that were under way.
_LINGER_SECONDS: Final = 120.0
# Of the time that is left to answer, the candidate may use so much before the control stands in.
_PATIENCE: Final = 0.5


class Answerer(Protocol):
    """A version that answers: `serving.table.LiveTarget`."""

    @property
    def version(self) -> int: ...
    @property
    def loaded(self) -> Loaded: ...


Target = TypeVar("Target", bound=Answerer)


class Drawn:
    """A request that counts, from when its version was drawn until it was answered, or given up."""

    __slots__ = ("_arm", "_copy", "over")

    def __init__(self, arm: Arm, copy: Callable[[Ask, Predictions, str], None] | None) -> None:
        self._arm = arm
        self._copy = copy
        self.over = False

    def answered(self, ask: Ask, predictions: Predictions, prediction_id: str, elapsed_us: int) -> None:
        """Any thread. `prediction_id` is that of the first row."""
        if self.over:  # too late: it has been counted as a fault
            return
        self.over = True
        self._arm.answered(predictions, elapsed_us)
        if self._copy is not None:
            self._copy(ask, predictions, prediction_id)


class _Step:
    """What this process has counted of one step. Outlives the routes that name it by a while."""

    def __init__(self, trial: Trial, *, numbers: bool) -> None:
        tally = Tally(trial, numbers=numbers)
        self.trial = trial
        self.arms = {trial.control: Arm(tally), trial.candidate: Arm(tally)}
        self.copies = Copies(tally)
        self.written: tuple[ArmCounts, ArmCounts, MirrorCounts] | None = None
        self.ended_at: float | None = None
        self._explained = False

    def explain(self, version: int, endpoint: str, error: Exception) -> None:
        """Says in the log why the control stands in: once, as there may be thousands."""
        if not self._explained:
            self._explained = True
            unforeseen = not isinstance(error, DomainError)
            log.warning("version %d fails a request of %s: %s", version, endpoint, error, exc_info=unforeseen)

    def end(self) -> None:
        self.ended_at = self.ended_at or time.monotonic()

    def counts(self) -> tuple[ArmCounts, ArmCounts, MirrorCounts]:
        return self.arms[self.trial.control].counts(), self.arms[self.trial.candidate].counts(), self.copies.counts()


@dataclass(frozen=True, slots=True)
class LiveTrial(Generic[Target]):
    """The trial of an endpoint as its routes are now. `control` stands in for a candidate that fails a request."""

    step: _Step
    control: Target
    candidate: Loaded
    routes: Routes
    mirror: Mirror
    by_lot: bool

    async def answer(
        self, target: Target, key: str | None, ask: Callable[[Target, Drawn | None], Awaitable[Reply]], deadline: float
    ) -> Reply:
        """What `ask` replies by the version that was drawn, or by the control if that is the candidate and fails.

        A request that the candidate alone refuses is a failure of the candidate and not of the caller. `deadline` is a
        time of `time.monotonic`. Raises what the last version that was asked raises.
        """
        trial, arm = self.step.trial, self.step.arms.get(target.version)
        if arm is None:  # a version that is not on trial
            return await ask(target, None)
        key = key if self.by_lot else None
        copy = self._copy if target.version == trial.control and trial.mirror > 0 else None
        drawn = Drawn(arm, copy) if arm.is_drawn(key) else None
        patience = (deadline - time.monotonic()) * _PATIENCE if target.version == trial.candidate else None
        try:
            async with asyncio.timeout(patience):
                return await ask(target, drawn)
        except Exception as error:
            fault = is_fault(error)
            if fault:
                _give_up(arm, drawn, key)
            if target.version == trial.control or not (fault or isinstance(error, Invalid)):
                raise
            reply = await ask(self.control, None)
            if not fault:  # the control took what the candidate refused
                _give_up(arm, drawn, key)
            self.step.explain(target.version, self.routes.endpoint, error)
            return reply

    def _copy(self, ask: Ask, predictions: Predictions, prediction_id: str) -> None:
        trial = self.step.trial
        if random() < trial.mirror:  # noqa: S311 - a sample, no secret
            self.mirror.offer(
                Mirrored(
                    endpoint=self.routes.endpoint,
                    settings=self.routes.settings,
                    control=self.control.loaded,
                    candidate=self.candidate,
                    version=trial.candidate,
                    ratio=trial.latency_ratio,
                    copies=self.step.copies,
                    ask=ask,
                    value=predictions.values[0],
                    prediction_id=prediction_id,
                )
            )


class Trials:
    """The counts of this process, and the thread that writes them while they change.

    While the store is away they are kept, and written when it is back. What was counted for a step stays in the store
    when the step ends, and when the process does: a start has a name of its own.
    """

    def __init__(
        self,
        store: ObjectStore,
        recorder: Recorder,
        *,
        write_seconds: float = _WRITE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # In a container the host's name and the process id may be those of the process before.
        self.instance = f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._mirror = Mirror(recorder)
        self._write_seconds = write_seconds
        self._clock = clock
        self._steps: dict[str, dict[tuple[str, int], _Step]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._away = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._mirror.start()
        self._thread = threading.Thread(target=self._run, name="trials", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._mirror.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.write()

    def follow(self, routes: Routes, live: Sequence[Target], loaded: Mapping[str, Loaded]) -> LiveTrial[Target] | None:
        """The trial of these routes, which goes on with what was counted before by others that name the same step.

        None without a trial, or while one of its versions is not loaded.
        """
        trial = routes.trial
        control = next((target for target in live if trial and target.version == trial.control), None)
        package = next((target.package for target in routes.targets if trial and target.version == trial.candidate), "")
        with self._lock:
            steps = self._steps.setdefault(routes.endpoint, {})
            for step in steps.values():
                step.end()
            if trial is None or control is None or package not in loaded:
                return None
            numbers = control.loaded.model.signature.task == "regression"
            step = steps.setdefault((trial.rollout_id, trial.step), _Step(trial, numbers=numbers))
            step.ended_at = None
        return LiveTrial(step, control, loaded[package], routes, self._mirror, by_lot=len(live) > 1)

    def forget(self, endpoint: str) -> None:
        """The endpoint is gone, and its trial with it."""
        with self._lock:
            for step in self._steps.get(endpoint, {}).values():
                step.end()

    def write(self) -> None:
        """Writes what has changed since it was last written, and lets go of what is over."""
        with self._writing:
            with self._lock:
                steps = [step for each in self._steps.values() for step in each.values()]
            for step in steps:
                self._write(step)
            with self._lock:
                self._steps = {name: kept for name, each in self._steps.items() if (kept := _kept(each))}

    def _run(self) -> None:
        while not self._stop.wait(self._write_seconds):
            try:
                self.write()
            except Exception:  # whatever is wrong, the thread goes on
                log.exception("writing what a trial has counted failed")

    def _write(self, step: _Step) -> None:
        counts = step.counts()
        if counts == step.written:
            return
        control, candidate, mirror = counts
        trial = step.trial
        report = TrialCounts(
            instance=self.instance,
            at=self._clock(),
            rollout_id=trial.rollout_id,
            step=trial.step,
            control=control,
            candidate=candidate,
            mirror=mirror,
        )
        key = f"trials/{trial.rollout_id}/{trial.step}/{self.instance}.json"
        try:
            self._store.put(key, orjson.dumps(report.model_dump()))
        except (Unavailable, StoreForbidden, OSError) as error:
            if not self._away:
                log.warning("the store takes no counts of trials: %s", error)
            self._away = True
            return
        self._away = False
        step.written = counts


def _kept(steps: dict[tuple[str, int], _Step]) -> dict[tuple[str, int], _Step]:
    """Steps that are in force, that may still be answered for, or that the store has not taken."""
    now = time.monotonic()
    return {
        key: step
        for key, step in steps.items()
        if step.ended_at is None or now - step.ended_at < _LINGER_SECONDS or step.counts() != step.written
    }


def _give_up(arm: Arm, drawn: Drawn | None, key: str | None) -> None:
    """Counts a fault, whose answer counts no more if it still comes. Without `drawn`, of a caller that was counted."""
    if drawn is None:
        arm.failed(key, drawn=False)
    elif not drawn.over:
        drawn.over = True
        arm.failed(key, drawn=True)
