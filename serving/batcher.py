"""Requests of several callers, put together for the processes of one model, and told apart when one of them fails.

`serving.python_model` gives it one thread per process; callers await their answers on the event loop.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from domain.errors import DomainError
from ml.models import Predictions
from serving.admission import too_late
from serving.errors import ModelFailed
from serving.supervisor import ModelAway, ModelDied

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.5
# What is asked of a model: arrays or lists of equal length, by name.
Content = dict[str, Any]


class Process(Protocol):
    """One process of a model, as `serving.supervisor` keeps it."""

    def wait_until_up(self, seconds: float) -> bool: ...


class Batching(NamedTuple):
    """Rows that go to the model at once, and how long a request waits at most for others to come along."""

    rows: int
    delay_seconds: float


@dataclass(eq=False, slots=True)
class Asked:
    """A request: `rows` rows of `content`, of which `taken` are in a batch or answered."""

    content: Content
    rows: int
    batching: Batching
    deadline: float
    future: "asyncio.Future[Predictions]"
    arrived: float = field(default_factory=time.monotonic)
    taken: int = 0
    answers: dict[int, Predictions] = field(default_factory=dict)

    def over(self, now: float) -> bool:
        """Whether nobody waits for it any more."""
        return self.future.done() or self.deadline <= now


class Piece(NamedTuple):
    """Rows of one request in a batch: all of them, unless there are more than a batch holds."""

    asked: Asked
    start: int
    stop: int

    @property
    def rows(self) -> int:
        return self.stop - self.start

    @property
    def content(self) -> Content:
        if self.rows == self.asked.rows:
            return self.asked.content
        return {name: values[self.start : self.stop] for name, values in self.asked.content.items()}


AskModel = Callable[[Content, int], Predictions]
_Outcome = tuple["asyncio.Future[Predictions]", Predictions | DomainError]


class Batcher:
    """A queue of requests, first come, first served.

    A request goes at once when a process is free and it came alone. While all processes are busy the next batch fills.
    Under a crowd, which the last batch was if it held several requests, a free process waits for as many to come
    again, but no longer than the first of them may wait. A request with more rows than a batch holds goes in pieces,
    and after each of them queues again, so that it holds up nobody.
    """

    def __init__(self) -> None:
        self._waiting: deque[Asked] = deque()
        self._alone: deque[Piece] = deque()
        self._rows = 0
        self._crowd = 1
        self._answered_at = 0.0
        self._changed = threading.Condition()
        self._closed = False

    async def ask(self, content: Content, rows: int, batching: Batching, deadline: float) -> Predictions:
        """The answers to `rows` rows. `deadline` is a time of `time.monotonic`; cancelling withdraws the request.

        Raises DeadlineExceeded, or ModelFailed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Predictions] = loop.create_future()
        asked = Asked(content, rows, batching, deadline, future)
        timer = loop.call_later(deadline - asked.arrived, _settle, [(future, too_late())])
        self._put(asked)
        try:
            return await future
        finally:
            timer.cancel()

    def work(self, process: Process, ask: AskModel) -> None:
        """Answers by one process, from a thread of its own, until this is closed."""
        while not self._closed:
            if process.wait_until_up(_LOOK_SECONDS):
                batch = self.take()
                if batch:
                    self._work_off(batch, ask)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> list[Piece]:
        """The next batch, as soon as there is one; none when this is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                self._forget(now)
                if self._alone:
                    return [self._alone.popleft()]
                seconds = self._worth_waiting(now) if self._waiting else None
                if seconds is not None and seconds <= 0:
                    batch = self._cut(now)
                    if self._waiting:
                        self._changed.notify()
                    return batch
                self._changed.wait(seconds)
            return []

    def _put(self, asked: Asked) -> None:
        with self._changed:
            self._waiting.append(asked)
            self._rows += asked.rows
            # The first one wakes a process, which then waits for the rest of a crowd: the last of those wakes it again.
            if len(self._waiting) == 1 or self._worth_waiting(asked.arrived) <= 0:
                self._changed.notify()

    def _worth_waiting(self, now: float) -> float:
        """Seconds for which a free process should let the requests that wait become more."""
        first = self._waiting[0]
        crowded = self._crowd > 1 and first.arrived - self._answered_at <= first.batching.delay_seconds
        if not crowded or len(self._waiting) >= self._crowd or self._rows >= first.batching.rows:
            return 0.0
        return first.arrived + first.batching.delay_seconds - now

    def _forget(self, now: float) -> None:
        """Drops those at the head that nobody waits for."""
        while self._alone and self._alone[0].asked.over(now):
            self._alone.popleft()
        while self._waiting and self._waiting[0].over(now):
            gone = self._waiting.popleft()
            self._rows -= gone.rows - gone.taken

    def _cut(self, now: float) -> list[Piece]:
        """A batch off the head of the queue: no larger than any of its requests allows."""
        batch: list[Piece] = []
        rows = 0
        room = self._waiting[0].batching.rows
        while self._waiting and rows < room:
            asked = self._waiting[0]
            size = min(asked.rows - asked.taken, asked.batching.rows)
            room = min(room, asked.batching.rows)
            if batch and rows + size > room:
                break
            self._waiting.popleft()
            if asked.over(now):
                self._rows -= asked.rows - asked.taken
                continue
            batch.append(Piece(asked, asked.taken, asked.taken + size))
            asked.taken += size
            rows += size
            self._rows -= size
            if asked.taken < asked.rows:
                self._waiting.append(asked)
        return batch

    def _work_off(self, batch: list[Piece], ask: AskModel) -> None:
        outcomes = self._answer(batch, ask)
        with self._changed:
            self._crowd = len(batch)
            self._answered_at = time.monotonic()
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Outcome]] = defaultdict(list)
        for outcome in outcomes:
            by_loop[outcome[0].get_loop()].append(outcome)
        for loop, told in by_loop.items():
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(_settle, told)

    def _answer(self, batch: list[Piece], ask: AskModel) -> list[_Outcome]:
        """Asks for a batch. One that fails is halved until what is at fault is alone with its failure."""
        now = time.monotonic()
        batch = [piece for piece in batch if not piece.asked.over(now)]
        if not batch:
            return []
        try:
            answers = ask(_joined([piece.content for piece in batch]), sum(piece.rows for piece in batch))
        except (ModelDied, ModelAway) as error:
            if len(batch) == 1 and isinstance(error, ModelDied):
                return [(batch[0].asked.future, error)]
            # Each is asked again by itself, by another process or when this one is back.
            with self._changed:
                self._alone.extend(batch)
                self._changed.notify()
            return []
        except Exception as error:  # a thread that ended by an error would take its process out of service
            if not isinstance(error, DomainError):
                log.exception("asking a model went wrong")
                error = ModelFailed("The model's process sent no answer.")
            if len(batch) == 1:
                return [(batch[0].asked.future, error)]
            middle = len(batch) // 2
            return self._answer(batch[:middle], ask) + self._answer(batch[middle:], ask)
        return self._shared_out(batch, answers)

    def _shared_out(self, batch: list[Piece], answers: Predictions) -> list[_Outcome]:
        """The requests that have all their answers now."""
        whole: list[_Outcome] = []
        start = 0
        for piece in batch:
            part = answers if len(batch) == 1 else _rows_of(answers, start, start + piece.rows)
            start += piece.rows
            asked = piece.asked
            with self._changed:  # pieces of one request may be answered by several processes
                asked.answers[piece.start] = part
                done = sum(len(each.values) for each in asked.answers.values()) == asked.rows
            if done:
                whole.append((asked.future, _together([asked.answers[at] for at in sorted(asked.answers)])))
        return whole


def _settle(outcomes: Sequence[_Outcome]) -> None:
    """Tells those who still wait. On their event loop."""
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, Predictions):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)


def _joined(contents: list[Content]) -> Content:
    if len(contents) == 1:
        return contents[0]
    return {name: _end_to_end([content[name] for content in contents]) for name in contents[0]}


def _end_to_end(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [row for part in parts for row in part]


def _rows_of(answers: Predictions, start: int, stop: int) -> Predictions:
    spread = answers.probabilities
    return Predictions(answers.values[start:stop], None if spread is None else spread[start:stop], answers.classes)


def _together(parts: list[Predictions]) -> Predictions:
    if len(parts) == 1:
        return parts[0]
    spread = [part.probabilities for part in parts if part.probabilities is not None]
    values = [value for part in parts for value in part.values]
    return Predictions(values, np.concatenate(spread) if spread else None, parts[0].classes)
