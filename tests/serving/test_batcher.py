"""Batches: who travels with whom, how long they wait, and who pays when one of them fails. The model is a function."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from domain.errors import DomainError
from ml.models import Predictions
from serving.batcher import Batcher, Batching, Content
from serving.errors import DeadlineExceeded, ModelFailed
from serving.supervisor import ModelAway, ModelDied

SOON = Batching(rows=64, delay_seconds=0.0)
LONG = 60.0
BAD, DEADLY = -1.0, -2.0


class Model:
    """Doubles numbers, fails on BAD and dies of DEADLY. `gate` holds it in the middle of a batch; `seen` keeps each."""

    def __init__(self) -> None:
        self.seen: list[list[float]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.up = threading.Event()
        self.up.set()

    def wait_until_up(self, seconds: float) -> bool:
        return self.up.wait(seconds)

    def ask(self, content: Content, rows: int) -> Predictions:
        numbers = content["numbers"].tolist()
        assert len(numbers) == len(content["names"]) == rows
        self.seen.append(numbers)
        self.entered.set()
        assert self.gate.wait(10)
        if DEADLY in numbers:
            raise ModelDied("The model's process died.")
        if BAD in numbers:
            raise ModelFailed("The model failed: it raised ValueError.")
        spread = np.array([[number, 1 - number] for number in numbers])
        return Predictions([2 * number for number in numbers], spread, ["a", "b"])

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Whatever comes meanwhile has to wait for the batch that is in the model."""
        self.gate.clear()
        yield
        self.gate.set()


class Desk:
    """A batcher at work, asked from one event loop."""

    def __init__(self, *models: Model) -> None:
        self.batcher = Batcher()
        self.threads = [threading.Thread(target=self.batcher.work, args=(model, model.ask)) for model in models]
        for thread in self.threads:
            thread.start()

    async def ask(self, *numbers: float, batching: Batching = SOON, seconds: float = LONG) -> list[float]:
        content: Content = {"numbers": np.array(numbers), "names": [str(number) for number in numbers]}
        answer = await self.batcher.ask(content, len(numbers), batching, time.monotonic() + seconds)
        assert answer.probabilities is not None
        assert answer.probabilities[:, 0].tolist() == list(numbers)
        values: list[Any] = answer.values
        return values

    def close(self) -> None:
        self.batcher.close()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def desk(model: Model) -> Iterator[Desk]:
    desk = Desk(model)
    yield desk
    model.gate.set()
    model.up.set()
    desk.close()


async def while_busy(model: Model, desk: Desk, *asks: Callable[[], Coroutine[Any, Any, Any]]) -> list[Any]:
    """Answers to what was asked, in this order, while another request was in the model."""
    model.entered.clear()
    with model.busy():
        first = asyncio.create_task(desk.ask(0.0))
        await asyncio.to_thread(model.entered.wait, 5)
        tasks = [asyncio.create_task(ask()) for ask in asks]
        await asyncio.sleep(0.02)
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


class TestBatches:
    def test_a_lone_request_goes_at_once(self, model: Model, desk: Desk) -> None:
        started = time.monotonic()
        assert asyncio.run(desk.ask(1.0, batching=Batching(64, delay_seconds=5.0))) == [2.0]
        assert time.monotonic() - started < 1
        assert model.seen == [[1.0]]

    def test_what_comes_while_a_batch_is_in_the_model_goes_together(self, model: Model, desk: Desk) -> None:
        asks = [lambda at=at: desk.ask(at, at + 1) for at in (1.0, 3.0, 5.0)]
        assert asyncio.run(while_busy(model, desk, *asks)) == [[2.0, 4.0], [6.0, 8.0], [10.0, 12.0]]
        assert model.seen == [[0.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]

    def test_a_batch_is_never_larger_than_any_of_its_requests_allows(self, model: Model, desk: Desk) -> None:
        async def play() -> None:
            rows = [4, 1, 2, 7, 3, 1, 1, 5, 2]
            asks = [
                lambda at=at, size=size: desk.ask(
                    *map(float, range(at, at + size)), batching=Batching(5 if at else 3, 0)
                )
                for at, size in enumerate(rows)
            ]
            answers = await while_busy(model, desk, *asks)
            assert [len(answer) for answer in answers] == rows

        asyncio.run(play())
        assert max(map(len, model.seen)) <= 5
        assert all(len(batch) <= 3 for batch in model.seen if batch[0] == 0.0)

    def test_a_request_above_the_maximum_is_answered_whole_and_in_order(self, model: Model, desk: Desk) -> None:
        numbers = [float(number) for number in range(1000)]
        assert asyncio.run(desk.ask(*numbers)) == [2 * number for number in numbers]
        assert [len(batch) for batch in model.seen] == [64] * 15 + [40]

    def test_a_large_request_holds_up_nobody(self, model: Model, desk: Desk) -> None:
        large = [float(number) for number in range(100, 110)]
        two = Batching(2, 0.0)
        asks = (lambda: desk.ask(*large, batching=two), lambda: desk.ask(1.0, batching=two))
        answers = asyncio.run(while_busy(model, desk, *asks))
        assert answers == [[2 * number for number in large], [2.0]]
        assert model.seen[1:3] == [[100.0, 101.0], [1.0]]

    def test_a_free_process_takes_what_another_one_is_too_busy_for(self) -> None:
        models = [Model(), Model()]
        desk = Desk(*models)
        for each in models:
            each.gate.clear()

        async def play() -> list[list[float]]:
            tasks = []
            for number in (1.0, 2.0):
                tasks.append(asyncio.create_task(desk.ask(number)))
                await asyncio.sleep(0.05)
            assert all(each.entered.is_set() for each in models)
            for each in models:
                each.gate.set()
            return await asyncio.gather(*tasks)

        assert asyncio.run(play()) == [[2.0], [4.0]]
        desk.close()


class TestWaiting:
    def test_a_crowd_that_comes_again_is_waited_for(self, model: Model, desk: Desk) -> None:
        patient = Batching(64, delay_seconds=1.0)

        async def play() -> None:
            asks = [lambda at=at: desk.ask(at, batching=patient) for at in (1.0, 2.0, 3.0)]
            await while_busy(model, desk, *asks)
            started = time.monotonic()
            tasks = []
            for number in (4.0, 5.0, 6.0):
                tasks.append(asyncio.create_task(desk.ask(number, batching=patient)))
                await asyncio.sleep(0.02)
            await asyncio.gather(*tasks)
            assert time.monotonic() - started < 0.8  # the last one ended the wait

        asyncio.run(play())
        assert model.seen[-1] == [4.0, 5.0, 6.0]

    def test_nobody_waits_longer_than_the_delay(self, model: Model, desk: Desk) -> None:
        patient = Batching(64, delay_seconds=0.1)

        async def play() -> float:
            asks = [lambda at=at: desk.ask(at, batching=patient) for at in (1.0, 2.0)]
            await while_busy(model, desk, *asks)
            started = time.monotonic()
            await desk.ask(3.0, batching=patient)
            return time.monotonic() - started

        assert 0.08 < asyncio.run(play()) < 1

    def test_a_full_batch_waits_for_nobody(self, model: Model, desk: Desk) -> None:
        patient = Batching(2, delay_seconds=30.0)

        async def play() -> None:
            asks = [lambda at=at: desk.ask(at, batching=patient) for at in (1.0, 2.0)]
            await while_busy(model, desk, *asks)
            await asyncio.wait_for(desk.ask(3.0, 4.0, batching=patient), 5)

        asyncio.run(play())


class TestFailure:
    def test_a_bad_row_fails_alone(self, model: Model, desk: Desk) -> None:
        numbers = [float(number) for number in range(1, 21)]
        numbers[13] = BAD
        answers = asyncio.run(while_busy(model, desk, *[lambda at=at: desk.ask(at) for at in numbers]))
        assert isinstance(answers.pop(13), ModelFailed)
        assert answers == [[2 * number] for number in numbers if number != BAD]
        assert len(model.seen) <= 2 + 2 * 5  # halved, not one by one

    def test_a_row_that_kills_the_process_dies_alone(self, model: Model, desk: Desk) -> None:
        asks = [lambda at=at: desk.ask(at) for at in (1.0, DEADLY, 3.0)]
        first, deadly, third = asyncio.run(while_busy(model, desk, *asks))
        assert (first, third) == ([2.0], [6.0])
        assert isinstance(deadly, ModelDied)

    def test_a_process_that_went_away_is_waited_for(self) -> None:
        class Away(Model):
            def ask(self, content: Content, rows: int) -> Predictions:
                if not self.seen:
                    self.seen.append([])
                    self.up.clear()
                    raise ModelAway
                return super().ask(content, rows)

        model = Away()
        desk = Desk(model)
        threading.Timer(0.1, model.up.set).start()
        assert asyncio.run(desk.ask(1.0)) == [2.0]
        desk.close()

    def test_one_that_asks_for_nonsense_takes_no_process_out_of_service(self, model: Model, desk: Desk) -> None:
        async def nonsense() -> None:
            await desk.batcher.ask({"numbers": np.array([1.0]), "names": []}, 1, SOON, time.monotonic() + 5)

        with pytest.raises(ModelFailed, match="sent no answer"):
            asyncio.run(nonsense())
        assert asyncio.run(desk.ask(1.0)) == [2.0]


class TestLeaving:
    def test_what_is_too_late_is_told_and_never_asked(self, model: Model, desk: Desk) -> None:
        asks = (lambda: desk.ask(1.0, seconds=0.001), lambda: desk.ask(2.0))
        late, other = asyncio.run(while_busy(model, desk, *asks))
        assert isinstance(late, DeadlineExceeded)
        assert other == [4.0]
        assert model.seen == [[0.0], [2.0]]

    def test_a_caller_is_told_in_time_though_the_model_is_not_done(self, model: Model, desk: Desk) -> None:
        async def play() -> DomainError:
            with model.busy(), pytest.raises(DeadlineExceeded) as late:
                await asyncio.wait_for(desk.ask(1.0, seconds=0.05), 5)
            return late.value

        assert asyncio.run(play()).code == "deadline_exceeded"

    def test_what_nobody_waits_for_is_never_asked(self, model: Model, desk: Desk) -> None:
        async def left() -> None:
            task = asyncio.create_task(desk.ask(1.0))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(while_busy(model, desk, left, lambda: desk.ask(2.0)))
        assert model.seen == [[0.0], [2.0]]

    def test_a_loop_that_ended_takes_nobody_with_it(self, model: Model, desk: Desk) -> None:
        async def leave() -> None:
            asyncio.create_task(desk.ask(1.0))  # noqa: RUF006 - it is to be forgotten
            await asyncio.sleep(0.01)

        with model.busy():
            asyncio.run(leave())
        assert asyncio.run(desk.ask(2.0)) == [4.0]
