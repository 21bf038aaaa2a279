"""`millrace stream`: answers the rows of a Redis Stream by an endpoint's live versions, into another stream.

A process of its own that needs Redis and the model store, and neither database nor API. Any number of them may share
one consumer group.
"""

import argparse
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import getpid
from random import random
from typing import Any, Final
from uuid import UUID

import orjson
from prometheus_client import CollectorRegistry

from adapters.object_store.opening import open_store
from adapters.settings import Settings
from adapters.streams import Entry, Fields, RowStream, StreamsAway
from adapters.telemetry import set_up_logging
from domain.errors import DomainError, Invalid
from serving.engine import Engine
from serving.errors import BadJson, BadRows, code_of
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.segments import Recorded
from serving.table import Endpoint, LiveTarget, RouteTable
from serving.trials import Trials

log = logging.getLogger(__name__)

_BLOCK_MS: Final = 1_000
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class StreamOrder:
    """What to read and write. Entries of `source` have a field `row` in JSON, and may have a sticky `key`."""

    endpoint: str
    source: str
    to: str
    dead: str
    group: str
    batch: int = 100
    claim_after_seconds: float = 30.0
    tries: int = 3
    max_length: int = 1_000_000


@dataclass(frozen=True)
class _Asked:
    """An entry that can be asked: its row, and the version that is to answer."""

    entry: Entry
    row: dict[str, Any]
    target: LiveTarget


def prediction_id(source: str, entry: Entry) -> str:
    """A UUIDv7 that is the same for the same entry of the same stream, and tells the entry's time (RFC 9562)."""
    milliseconds, number = entry.order
    noise = int.from_bytes(sha256(f"{source}\n{entry.id}".encode()).digest()[:8]) >> 2
    value = (milliseconds & (2**48 - 1)) << 80 | 7 << 76 | min(number, 0xFFF) << 64 | 2 << 62 | noise
    return str(UUID(int=value))


class Consumer:
    """One process of the group: takes rows, answers them, settles them, and records what it settled."""

    def __init__(self, order: StreamOrder, rows: RowStream, table: RouteTable, recorder: Recorder) -> None:
        self._order = order
        self._rows = rows
        self._table = table
        self._recorder = recorder

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set, and to the end of the batch then. While Redis or a live version is away it waits."""
        joined, pause, told = False, _FIRST_PAUSE_SECONDS, False
        while not stop.is_set():
            endpoint = self._table.endpoint(self._order.endpoint)
            if endpoint is not None and endpoint.cold:
                self._table.warm(endpoint.name)
            if endpoint is None or not endpoint.live:
                if not told:
                    log.warning("endpoint %r has no live version yet: rows wait", self._order.endpoint)
                told = True
                stop.wait(_FIRST_PAUSE_SECONDS)
                continue
            told = False
            try:
                if not joined:
                    self._rows.join()
                    joined = True
                self.turn(endpoint)
                pause = _FIRST_PAUSE_SECONDS
            except StreamsAway as error:
                log.warning("%s Next try in %.1f s.", error.message, pause)
                joined = False
                stop.wait(pause)
                pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause)

    def turn(self, endpoint: Endpoint) -> None:
        """What others left behind, one by one, since one of them may be what ended them; then new rows."""
        idle_ms = round(self._order.claim_after_seconds * 1000)
        for _ in range(self._order.batch):
            claimed = self._rows.claim(1, idle_ms=idle_ms)
            if not claimed:
                break
            self._answer(endpoint, claimed)
        self._answer(endpoint, self._rows.read(self._order.batch, block_ms=_BLOCK_MS))

    def _answer(self, endpoint: Endpoint, entries: Sequence[Entry]) -> None:
        asked: dict[int, list[_Asked]] = {}
        for entry in entries:
            if entry.deliveries > self._order.tries:
                self._give_up(entry, "never_answered", "Each consumer that had it ended or failed.")
                continue
            try:
                one = _Asked(entry, _row(entry), _target(endpoint, entry))
            except Invalid as error:
                self._give_up(entry, error.code, str(error))
            else:
                asked.setdefault(one.target.version, []).append(one)
        for together in asked.values():
            self._predict(endpoint, together)

    def _predict(self, endpoint: Endpoint, asked: Sequence[_Asked]) -> None:
        """Ask the version; where it refuses the batch, ask for each row alone."""
        target, settings = asked[0].target, endpoint.settings
        started = time.perf_counter_ns()
        try:
            answers = target.loaded.model.predict([one.row for one in asked], extra=settings.extra_columns)
        except Exception as error:  # noqa: BLE001 - whatever one row does, the others are answered
            if len(asked) > 1:
                for one in asked:
                    self._predict(endpoint, [one])
            else:
                self._refused(asked[0].entry, error)
            return
        latency_us = (time.perf_counter_ns() - started) // 1000 // len(asked)
        ids = [prediction_id(self._order.source, one.entry) for one in asked]
        written: list[tuple[Entry, Fields]] = []
        for place, one in enumerate(asked):
            fields = {
                "id": ids[place],
                "entry": one.entry.id,
                "endpoint": endpoint.name,
                "version": str(target.version),
                "prediction": orjson.dumps(answers.values[place]).decode(),
            }
            if answers.probabilities is not None:
                spread = dict(zip(answers.classes, answers.probabilities[place].tolist(), strict=True))
                fields["probabilities"] = orjson.dumps(spread, option=orjson.OPT_NON_STR_KEYS).decode()
            written.append((one.entry, fields))
        settled = self._rows.settle(written, to=self._order.to, max_length=self._order.max_length)
        for place, one in enumerate(asked):
            sampled = random() < settings.record_share  # noqa: S311 - a sample, no secret
            if one.entry.id in settled and settings.record and sampled:
                self._recorder.record(
                    Recorded(
                        endpoint=endpoint.name,
                        version=target.version,
                        package=target.loaded.digest,
                        mode="live",
                        signature=target.loaded.model.signature,
                        # The time of its id, by which it is looked up, however late it was answered.
                        at=one.entry.order[0] * 1000,
                        latency_us=latency_us,
                        ids=[ids[place]],
                        inputs=orjson.dumps([one.row]),
                        has_extra=len(one.row) > len(target.loaded.model.signature.inputs),
                        redact=tuple(settings.redact),
                        predictions=[answers.values[place]],
                        probabilities=None if answers.probabilities is None else answers.probabilities[[place]],
                    )
                )

    def _refused(self, entry: Entry, error: Exception) -> None:
        """A row that is wrong is wrong for ever; a model that failed is asked again, when the entry is claimed."""
        if isinstance(error, Invalid) or entry.deliveries >= self._order.tries:
            self._give_up(entry, code_of(error), str(error) or type(error).__name__)
        else:
            log.warning("entry %s was not answered, delivery %d: %s", entry.id, entry.deliveries, error)

    def _give_up(self, entry: Entry, code: str, reason: str) -> None:
        fields = {
            "entry": entry.id,
            "endpoint": self._order.endpoint,
            "code": code,
            "reason": reason[:2000],
            "deliveries": str(entry.deliveries),
            "fields": orjson.dumps(entry.fields).decode(),
        }
        self._rows.settle([(entry, fields)], to=self._order.dead, max_length=self._order.max_length)


def _row(entry: Entry) -> dict[str, Any]:
    if "row" not in entry.fields:
        raise BadRows("The entry has no field `row`.", where="row")
    try:
        row = orjson.loads(entry.fields["row"])
    except ValueError as error:
        raise BadJson(f"The field `row` is not JSON: {error}.", where="row") from error
    if not isinstance(row, dict):
        raise BadRows("The field `row` must be an object of column names and values.", where="row")
    return row


def _target(endpoint: Endpoint, entry: Entry) -> LiveTarget:
    target = endpoint.choose(entry.fields.get("key"))
    if target is None:
        raise BadRows("No version answers for this key.", where="key")
    return target


def main(arguments: Sequence[str]) -> int:
    """The process. Ends by SIGTERM or SIGINT, with everything it has taken settled and recorded."""
    settings = Settings()
    set_up_logging(settings)
    order = _read_order(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = open_store(settings.model_store_url, settings)
    metrics = ServingMetrics(CollectorRegistry())
    engine = Engine(PackageCache(store, settings.home / "packages"), trusted=settings.trusted)
    recorder = Recorder(store, metrics, flush_seconds=settings.serving_flush_seconds)
    table = RouteTable(
        store,
        engine,
        metrics,
        Trials(store, recorder),
        poll_seconds=settings.serving_poll_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    name = f"{socket.gethostname()}-{getpid()}"
    rows = RowStream(settings.redis_url, source=order.source, group=order.group, name=name)
    recorder.start()
    table.start()
    try:
        Consumer(order, rows, table, recorder).run(stop)
    except DomainError as error:
        log.error("%s", error.message)  # noqa: TRY400 - the sentence says it all
        return 1
    finally:
        rows.leave()
        table.stop()
        engine.close()
        recorder.stop()
    return 0


def _read_order(arguments: Sequence[str]) -> StreamOrder:
    parser = argparse.ArgumentParser(prog="workers.stream")
    parser.add_argument("endpoint")
    for name in ("from", "to", "dead", "group"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--claim-after", type=float, default=30.0)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--max-length", type=int, default=1_000_000)
    given = vars(parser.parse_args(arguments))
    source, claim_after_seconds = given.pop("from"), given.pop("claim_after")
    return StreamOrder(source=source, claim_after_seconds=claim_after_seconds, **given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
