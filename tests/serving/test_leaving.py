"""A client that leaves while its answer is computed: the work is given up, and nobody is answered."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message

from serving.errors import Disconnected
from serving.requests import while_connected

Receive = Callable[[], Coroutine[Any, Any, Message]]


def leaves_after(seconds: float) -> Receive:
    async def receive() -> Message:
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    return receive


class Work:
    """Takes a while, and remembers whether it came to its end."""

    def __init__(self) -> None:
        self.outcome = "none"

    async def __call__(self, seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.outcome = "given up"
            raise
        self.outcome = "done"
        return "answer"


def test_one_who_stays_is_answered() -> None:
    work = Work()
    assert asyncio.run(while_connected(leaves_after(10), work(0.01))) == "answer"
    assert work.outcome == "done"


def test_the_work_for_one_who_leaves_is_given_up() -> None:
    async def play() -> None:
        with pytest.raises(Disconnected):
            await while_connected(leaves_after(0.01), work(10))
        await asyncio.sleep(0)  # the task itself goes on: it was not cancelled by others

    work = Work()
    asyncio.run(play())
    assert work.outcome == "given up"


def test_one_who_leaves_with_the_answer_disturbs_nothing() -> None:
    async def play() -> str:
        answer = await while_connected(leaves_after(0.01), work(0.01))
        await asyncio.sleep(0.02)
        return answer

    work = Work()
    assert asyncio.run(play()) == "answer"


def test_what_others_cancel_stays_cancelled() -> None:
    async def play() -> None:
        task = asyncio.create_task(while_connected(leaves_after(10), work(10)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    work = Work()
    asyncio.run(play())
    assert work.outcome == "given up"
