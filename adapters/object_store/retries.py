"""Trying again: how often, how long apart, and after which errors."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from adapters.object_store.troubles import Trouble, trouble_of

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """At most `attempts`, with pauses that double from `first_seconds`, none begun after `within_seconds`.

    Half of each pause is random, so that many workers do not come back to a store at one moment
    (M. Brooker, "Exponential Backoff And Jitter", 2015: equal jitter).
    """

    attempts: int = 5
    first_seconds: float = 0.2
    most_seconds: float = 5.0
    within_seconds: float = 120.0

    def insist(self, act: Callable[[], T]) -> T:
        """What `act` gives. Raises its last error, at once if trying again cannot help."""
        began = time.monotonic()
        for attempt in range(self.attempts - 1):
            try:
                return act()
            except Exception as error:
                if trouble_of(error) is not Trouble.PASSING or time.monotonic() - began > self.within_seconds:
                    raise
            pause = min(self.most_seconds, self.first_seconds * 2**attempt)
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret hangs on it
        return act()
