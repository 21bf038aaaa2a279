"""Keeps what was predicted: takes answers without ever blocking, and files them as segments from its own thread."""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.errors import Unavailable
from domain.registry.specs import Signature
from serving.metrics import ServingMetrics
from serving.segments import Recorded, Segment, line, segment_bytes, segment_key

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """An answer on its way to the store."""

    segment: Segment
    signature: Signature
    rows: int
    first: str
    last: str
    line: bytes


class Recorder:
    """Bounded memory between the answers and the store.

    At most `max_rows` rows and `max_bytes` bytes wait; beyond that the oldest are dropped and counted. While the
    store is away they wait. A process that is killed loses what came in since the last flush, which happens every
    `flush_seconds` or `flush_rows` rows.
    """

    def __init__(
        self,
        store: ObjectStore,
        metrics: ServingMetrics,
        *,
        flush_seconds: float = 1.0,
        flush_rows: int = 20_000,
        max_rows: int = 200_000,
        max_bytes: int = 256 * 2**20,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._flush_rows = flush_rows
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._bytes = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._away = False  # the store refused: wait for the clock then, however many rows there are
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and writes what is left; what the store refuses now is lost, and logged."""
        if self._thread is not None:
            self._stopping = True
            self._wake.set()
            self._thread.join()
            self._thread = None
        self.flush()
        if self._rows:
            log.error("recorder stopped with %d predictions that the store did not take", self._rows)

    def record(self, record: Recorded) -> None:
        """Takes the rows of one answer. Any thread, microseconds, never waits for the store."""
        segment = record.segment
        ids = record.ids
        text = line(record, segment)
        waiting = _Waiting(segment, record.signature, len(ids), ids[0], ids[-1], text)
        with self._lock:
            self._waiting.append(waiting)
            self._rows += len(ids)
            self._bytes += len(text)
            if self._rows > self._max_rows or self._bytes > self._max_bytes:
                self._shed()
            full = self._rows >= self._flush_rows and not self._away
        if full:
            self._wake.set()

    def flush(self) -> None:
        """Writes everything that waits, one segment per endpoint, version and hour. One flush at a time."""
        with self._flushing:
            with self._lock:
                batch, self._waiting = self._waiting, deque()
                self._rows = self._bytes = 0
            unwritten = [waiting for segment in _by_segment(batch) for waiting in self._write(segment)]
            with self._lock:
                self._away = bool(unwritten)
                self._waiting.extendleft(reversed(unwritten))
                self._rows += sum(waiting.rows for waiting in unwritten)
                self._bytes += sum(len(waiting.line) for waiting in unwritten)
                self._shed()
                self._metrics.waiting.set(self._rows)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._flush_seconds)
            self._wake.clear()
            self.flush()

    def _write(self, waiting: list[_Waiting]) -> list[_Waiting]:
        """Files one segment; returns the answers again when the store is away."""
        segment = waiting[0].segment
        rows = sum(each.rows for each in waiting)
        key = segment_key(segment, min(each.first for each in waiting), max(each.last for each in waiting), rows)
        try:
            content = segment_bytes(segment, waiting[0].signature, b"".join(each.line for each in waiting))
        except (pa.ArrowException, ValueError):
            # Retrying cannot help, and one odd row must not hold up the rest for ever.
            log.exception("dropped %d predictions of %s that fit no segment", rows, segment.endpoint)
            self._metrics.dropped.inc(rows)
            return []
        try:
            self._store.put(key, content)
        except (Unavailable, StoreForbidden, OSError) as error:
            log.warning("the store takes no predictions of %s: %s", segment.endpoint, error)
            return waiting
        self._metrics.recorded.inc(rows)
        return []

    def _shed(self) -> None:
        """Drops the oldest answers until the rest is within bounds."""
        while self._rows > self._max_rows or self._bytes > self._max_bytes:
            oldest = self._waiting.popleft()
            self._rows -= oldest.rows
            self._bytes -= len(oldest.line)
            self._metrics.dropped.inc(oldest.rows)


def _by_segment(batch: Iterable[_Waiting]) -> list[list[_Waiting]]:
    segments: defaultdict[Segment, list[_Waiting]] = defaultdict(list)
    for waiting in batch:
        segments[waiting.segment].append(waiting)
    return list(segments.values())
