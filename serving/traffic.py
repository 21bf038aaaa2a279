"""Tells the store what this process was asked and answered: a small report every ten seconds, written once.

The counts are those that `serving.metrics` keeps anyway; requests do not wait for any of this.
"""

import logging
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count, zip_longest
from os import getpid
from typing import Final

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.deployments.specs import ErrorCount, TargetTraffic, TrafficReport
from domain.errors import Unavailable
from serving.metrics import Counted, ServingMetrics

log = logging.getLogger(__name__)

# While the store is away, about three hours of reports wait; then the oldest go.
_MOST_WAITING: Final = 1000


class TrafficReports:
    """The thread that reports, at whole multiples of `seconds` by the clock, and once more when it is stopped.

    While the store is away reports wait, and are written in their order when it is back. A process that is killed
    loses what came in since its last report.
    """

    def __init__(
        self,
        store: ObjectStore,
        metrics: ServingMetrics,
        *,
        seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # In a container the host's name and the process id may be those of the process before.
        self.instance = f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._clock = clock
        self._numbers = count()
        self._counted: Mapping[tuple[str, int], Counted] = {}
        self._began_at = 0.0
        self._waiting: deque[TrafficReport] = deque(maxlen=_MOST_WAITING)
        self._away = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._counted, self._began_at = self._metrics.counted(), self._clock()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.report(last=True)

    def report(self, *, last: bool = False) -> None:
        """Closes the span under way, and writes what waits."""
        before, began_at = self._counted, self._began_at
        self._counted, self._began_at = self._metrics.counted(), self._clock()
        nothing = Counted()
        targets = [_since(key, before.get(key, nothing), now) for key, now in self._counted.items()]
        self._waiting.append(
            TrafficReport(
                instance=self.instance,
                number=next(self._numbers),
                began_at=began_at,
                ended_at=self._began_at,
                last=last,
                targets=[one for one in targets if one.answered or one.errors],
            )
        )
        self._write()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds - self._clock() % self._seconds):
            try:
                self.report()
            except Exception:  # whatever is wrong, the thread goes on
                log.exception("reporting traffic failed")

    def _write(self) -> None:
        while self._waiting:
            report = self._waiting[0]
            try:
                self._store.put(f"traffic/{self.instance}/{report.number:08}.json", report.model_dump_json().encode())
            except (Unavailable, StoreForbidden, OSError) as error:
                if not self._away:
                    log.warning("the store takes no reports of traffic: %s", error)
                self._away = True
                return
            self._away = False
            self._waiting.popleft()


def _since(key: tuple[str, int], before: Counted, now: Counted) -> TargetTraffic:
    """What was counted between two times."""
    endpoint, version = key
    places = enumerate(zip_longest(now.buckets, before.buckets, fillvalue=0))
    errors = {
        code: (status, total - before.errors.get(code, (0, 0))[1]) for code, (status, total) in now.errors.items()
    }
    return TargetTraffic(
        endpoint=endpoint,
        version=version,
        answered=now.answered - before.answered,
        rows=now.rows - before.rows,
        latency={place: new - old for place, (new, old) in places if new > old},
        errors=[ErrorCount(code=code, status=status, count=new) for code, (status, new) in errors.items() if new],
    )
