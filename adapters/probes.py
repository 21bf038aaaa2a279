"""Do the parts answer? Each is asked in a thread of its own, and nobody waits longer than the time that is given."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

import httpx

from domain.errors import DomainError, Unavailable

PROBE_SECONDS = 2.0


class DoesNotAnswer(Unavailable):
    code = "does_not_answer"


@dataclass(frozen=True)
class Probed:
    """What a part answered, after how long; or why it did not. The error names no address and no secret."""

    value: Any
    error: str | None
    milliseconds: float | None


class Prober:
    """Asks parts. One that still hangs from the last time is not asked again until it has come back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hanging: dict[str, Future[Probed]] = {}

    def ask(self, questions: Mapping[str, Callable[[], Any]], seconds: float = PROBE_SECONDS) -> dict[str, Probed]:
        """What each answers within `seconds`, all of them at once."""
        with self._lock:
            asked = {name: self._hanging.get(name) or _begin(name, question) for name, question in questions.items()}
            self._hanging |= asked
        wait(asked.values(), timeout=seconds)
        with self._lock:
            for name, future in asked.items():
                if future.done() and self._hanging.get(name) is future:
                    del self._hanging[name]
        late = Probed(None, f"It did not answer within {seconds:g} seconds.", None)
        return {name: future.result() if future.done() else late for name, future in asked.items()}


def _begin(name: str, question: Callable[[], Any]) -> Future[Probed]:
    future: Future[Probed] = Future()
    # A daemon: a part that hangs must not keep the process from ending.
    Thread(target=lambda: future.set_result(_answer(question)), name=f"probe-{name}", daemon=True).start()
    return future


def _answer(question: Callable[[], Any]) -> Probed:
    began = time.perf_counter()
    try:
        value = question()
    except DomainError as error:
        return Probed(None, error.message, None)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises: its text may hold addresses and is not told
        return Probed(None, f"It does not answer ({type(error).__name__}).", None)
    return Probed(value, None, round((time.perf_counter() - began) * 1000, 1))


def ask_mlflow(url: str) -> None:
    """Raise unless MLflow's server is healthy."""
    answer = httpx.get(f"{url.rstrip('/')}/health", timeout=PROBE_SECONDS, trust_env=False)
    if answer.status_code != httpx.codes.OK:
        raise DoesNotAnswer(f"It answers {answer.status_code}.")
