"""The signal that ends a process, between uvicorn and us. The processes themselves are in `test_process`."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from serving.draining import draining_first


@pytest.fixture
def passed_on() -> Iterator[list[float]]:
    """When whoever handled the signal before us got it."""
    times: list[float] = []
    before = signal.signal(signal.SIGTERM, lambda *_: times.append(time.monotonic()))
    yield times
    signal.signal(signal.SIGTERM, before)


def terminate(times: int, *, seconds: float, wait_seconds: float) -> float:
    """Sends the signal to this process so often; returns when draining began."""
    began: list[float] = []

    async def go() -> None:
        with draining_first(lambda: began.append(time.monotonic()), seconds=seconds):
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(0.01)
            await asyncio.sleep(wait_seconds)

    asyncio.run(go())
    assert len(began) == 1
    return began[0]


def test_the_signal_arrives_a_moment_after_draining_has_begun(passed_on: list[float]) -> None:
    began = terminate(1, seconds=0.1, wait_seconds=0.3)
    assert len(passed_on) == 1
    assert passed_on[0] - began >= 0.1


def test_a_second_one_arrives_at_once(passed_on: list[float]) -> None:
    terminate(2, seconds=60, wait_seconds=0)
    assert len(passed_on) == 1


def test_without_a_moment_to_wait_it_arrives_at_once(passed_on: list[float]) -> None:
    terminate(1, seconds=0, wait_seconds=0.05)
    assert len(passed_on) == 1


def test_the_handler_is_put_back(passed_on: list[float]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    terminate(1, seconds=60, wait_seconds=0)
    assert signal.getsignal(signal.SIGTERM) is handler
