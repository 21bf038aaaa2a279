"""Keeps what was predicted: takes answers without ever blocking, and files them as segments from its own thread."""

import logging
import threading
import time
from collections import deque

import pyarrow as pa

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.errors import Unavailable
from domain.registry.specs import Signature
from serving.metrics import ServingMetrics
from serving.segments import Recorded, Segment, line, segment_files

log = logging.getLogger(__name__)


class _Waiting:
    """Answers on their way to the store that belong into one segment, oldest first.

    Lines and counts apart, because the garbage collector looks at neither bytes nor integers.
    """

    __slots__ = ("bytes", "counts", "lines", "rows", "segment", "signature")

    def __init__(self, segment: Segment, signature: Signature) -> None:
        self.segment = segment
        self.signature = signature
        self.lines: deque[bytes] = deque()
        self.counts: deque[int] = deque()
        self.rows = 0
        self.bytes = 0

    def add(self, line: bytes, rows: int) -> None:
        self.lines.append(line)
        self.counts.append(rows)
        self.rows += rows
        self.bytes += len(line)

    def drop_oldest(self) -> tuple[int, int]:
        """How many rows and bytes went."""
        gone = self.counts.popleft(), len(self.lines.popleft())
        self.rows -= gone[0]
        self.bytes -= gone[1]
        return gone


class Recorder:
    """Bounded memory between the answers and the store.

    At most `max_rows` rows and `max_bytes` bytes wait; beyond that the oldest are dropped and counted. While the
    store is away they wait. A flush begins every `flush_seconds`, earlier when `flush_rows` or `flush_bytes` wait: a
    process that is killed loses what came in since the last one began and what that had not written yet. A
    segment holds at most `segment_rows` rows.
    """

    def __init__(
        self,
        store: ObjectStore,
        metrics: ServingMetrics,
        *,
        flush_seconds: float = 1.0,
        flush_rows: int = 20_000,
        flush_bytes: int = 8 * 2**20,
        segment_rows: int = 10_000,
        max_rows: int = 200_000,
        max_bytes: int = 64 * 2**20,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._flush_rows = flush_rows
        self._flush_bytes = flush_bytes
        self._segment_rows = segment_rows
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: deque[_Waiting] = deque()
        self._open: dict[Segment, _Waiting] = {}
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
        rows = len(record.ids)
        text = line(record, segment)
        with self._lock:
            waiting = self._open.get(segment)
            if waiting is None or waiting.rows + rows > self._segment_rows:
                waiting = self._open[segment] = _Waiting(segment, record.signature)
                self._waiting.append(waiting)
            waiting.add(text, rows)
            self._rows += rows
            self._bytes += len(text)
            if self._rows > self._max_rows or self._bytes > self._max_bytes:
                self._shed()
            full = (self._rows >= self._flush_rows or self._bytes >= self._flush_bytes) and not self._away
        if full:
            self._wake.set()

    def flush(self) -> None:
        """Writes everything that waits, by endpoint, version and hour. One flush at a time."""
        with self._flushing:
            with self._lock:
                batch, self._waiting = self._waiting, deque()
                self._open = {}
                self._rows = self._bytes = 0
            unwritten = [waiting for waiting in batch if not self._write(waiting)]
            with self._lock:
                self._away = bool(unwritten)
                self._waiting.extendleft(reversed(unwritten))
                self._rows += sum(waiting.rows for waiting in unwritten)
                self._bytes += sum(waiting.bytes for waiting in unwritten)
                self._shed()
                self._metrics.waiting.set(self._rows)

    def _run(self) -> None:
        due = time.monotonic() + self._flush_seconds
        while not self._stopping:
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            due = time.monotonic() + self._flush_seconds
            self.flush()

    def _write(self, waiting: _Waiting) -> bool:
        """Files the answers as one segment, or several when one of them alone is too large. Not when the store is away.

        Written again after a failure in the middle, what was written gets the same keys.
        """
        endpoint = waiting.segment.endpoint
        try:
            lines = b"".join(waiting.lines)
            for key, content in segment_files(waiting.segment, waiting.signature, lines, rows=self._segment_rows):
                self._store.put(key, content)
        except (pa.ArrowException, ValueError):
            # Retrying cannot help, and one odd row must not hold up the rest for ever.
            log.exception("dropped %d predictions of %s that fit no segment", waiting.rows, endpoint)
            self._metrics.dropped.inc(waiting.rows)
        except (Unavailable, StoreForbidden, OSError) as error:
            log.warning("the store takes no predictions of %s: %s", endpoint, error)
            return False
        else:
            self._metrics.recorded.inc(waiting.rows)
        return True

    def _shed(self) -> None:
        """Drops the oldest answers until the rest is within bounds."""
        while self._rows > self._max_rows or self._bytes > self._max_bytes:
            oldest = self._waiting[0]
            rows, size = oldest.drop_oldest()
            self._rows -= rows
            self._bytes -= size
            self._metrics.dropped.inc(rows)
            if not oldest.lines:
                self._waiting.popleft()
                if self._open.get(oldest.segment) is oldest:
                    del self._open[oldest.segment]
