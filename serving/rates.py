"""How often a caller may ask: a token bucket for each endpoint and caller, in bounded memory. For `serving.access`."""

import time
from collections import OrderedDict
from collections.abc import Callable

# A sum of parts of a second is a hair below the whole.
_HAIR = 1e-9


class Rates:
    """A bucket holds the tokens of one second, and at least one. Of `keep` buckets the least recently used goes first.

    The clock is monotonic: setting the machine's time neither gives nor takes.
    """

    def __init__(self, *, keep: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait_seconds(self, endpoint: str, caller: str, per_second: float) -> float:
        """Takes a token and returns 0; or, where there is none, the seconds until there is one."""
        key = (endpoint, caller)
        now = self._clock()
        size = max(1.0, per_second)
        level, at = self._buckets.pop(key, (size, now))
        level = min(size, level + (now - at) * per_second)
        short = 1.0 - level > _HAIR
        self._buckets[key] = (level if short else level - 1.0, now)
        if len(self._buckets) > self._keep:
            self._buckets.popitem(last=False)
        return (1.0 - level) / per_second if short else 0.0
