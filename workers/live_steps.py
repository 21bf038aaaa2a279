"""Metrics of a training that is still running, told to MLflow as they come. Used by the training handler."""

import time
from collections.abc import Callable

from adapters.mlflow_server import TrackingAway
from adapters.tracking import RunStart, Steps, TrackingRefused
from workers.toolbox import RunTracker

EVERY_SECONDS = 1.0


class LiveSteps:
    """Sends a batch at most once a second. Training does not wait for a tracker that is away: it is told at the end.

    `begun` is MLflow's run, made with the first batch and passed to `on_begun`, and `told` the number of steps it
    knows; empty and 0 when none has been sent, as of trainings that took less than a second.
    """

    def __init__(
        self,
        tracking: RunTracker,
        start: RunStart,
        on_begun: Callable[[str], None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.begun = ""
        self.told = 0
        self.steps: Steps = []
        self._tracking = tracking
        self._start = start
        self._on_begun = on_begun
        self._now = now
        self._next = now() + EVERY_SECONDS
        self._away = False

    def add(self, step: int, metrics: dict[str, float]) -> None:
        self.steps.append((step, metrics))
        if self._away or self._now() < self._next:
            return
        try:
            self._send()
        except (TrackingAway, TrackingRefused):
            # Whether the batch has arrived is not known: the run is logged whole at the end, in place of this one.
            self._away, self.told, self.begun = True, 0, ""
        self._next = self._now() + EVERY_SECONDS

    def _send(self) -> None:
        if not self.begun:
            self.begun = self._tracking.begin_run(self._start)
            self._on_begun(self.begun)
        self._tracking.log_steps(self.begun, self.steps[self.told :])
        self.told = len(self.steps)
