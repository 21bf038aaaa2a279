"""Keeps what was predicted: takes answers without ever blocking, and files them as segments from its own thread."""

import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.errors import Unavailable
from serving.metrics import ServingMetrics
from serving.segments import Recorded, Segment, segment_files

log = logging.getLogger(__name__)


# What an answer takes in memory beside its inputs, and each of its rows, about, in bytes.
_ANSWER_BYTES = 500
_ROW_BYTES = 200


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
        flush_rows: int = 5_000,
        flush_bytes: int = 4 * 2**20,
        segment_rows: int = 5_000,
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
        self._waiting: deque[Recorded] = deque()
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
        with self._lock:
            self._waiting.append(record)
            self._rows += len(record.ids)
            self._bytes += _size(record)
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
                self._rows = self._bytes = 0
            unwritten = [record for records in self._segments(batch) for record in self._write(records)]
            with self._lock:
                self._away = bool(unwritten)
                self._waiting.extendleft(reversed(unwritten))
                self._rows += sum(len(record.ids) for record in unwritten)
                self._bytes += sum(map(_size, unwritten))
                self._shed()
                self._metrics.waiting.set(self._rows)

    def _run(self) -> None:
        due = time.monotonic() + self._flush_seconds
        while not self._stopping:
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            due = time.monotonic() + self._flush_seconds
            self.flush()

    def _segments(self, batch: Iterable[Recorded]) -> Iterator[list[Recorded]]:
        """Answers that make one segment each, oldest first."""
        growing: defaultdict[Segment, list[Recorded]] = defaultdict(list)
        rows: Counter[Segment] = Counter()
        for record in batch:
            segment = record.segment
            if rows[segment] + len(record.ids) > self._segment_rows and rows[segment]:
                yield growing.pop(segment)
                rows[segment] = 0
            growing[segment].append(record)
            rows[segment] += len(record.ids)
        yield from growing.values()

    def _write(self, records: list[Recorded]) -> list[Recorded]:
        """Files the answers as one segment, or as several where one of them alone is too large for it.

        Returns them again when the store is away; what of it was written then gets the same keys the next time.
        """
        rows = sum(len(record.ids) for record in records)
        try:
            for key, content in segment_files(records, rows=self._segment_rows):
                self._store.put(key, content)
        except (Unavailable, StoreForbidden, OSError) as error:
            log.warning("the store takes no predictions of %s: %s", records[0].endpoint, error)
            return records
        except Exception:
            # Retrying cannot help, and one odd row must not hold up the rest for ever.
            log.exception("dropped %d predictions of %s that fit no segment", rows, records[0].endpoint)
            self._metrics.dropped.inc(rows)
        else:
            self._metrics.recorded.inc(rows)
        return []

    def _shed(self) -> None:
        """Drops the oldest answers until the rest is within bounds."""
        while self._rows > self._max_rows or self._bytes > self._max_bytes:
            oldest = self._waiting.popleft()
            self._rows -= len(oldest.ids)
            self._bytes -= _size(oldest)
            self._metrics.dropped.inc(len(oldest.ids))


def _size(record: Recorded) -> int:
    return len(record.inputs) + _ANSWER_BYTES + _ROW_BYTES * len(record.ids)
