"""Who is let in, who waits and who is sent away, by a model that answers when it is told to."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from prometheus_client import CollectorRegistry

from adapters.object_store.local import LocalStore
from domain.registry.specs import Package
from ml.encoding import Extra
from ml.models import Predictions
from serving.app import ServingApp, create_app, running
from serving.engine import Engine, Loaded, RowModel
from serving.errors import Disconnected
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.table import RouteTable
from serving.trials import Trials
from tests.serving.plants import BEARER, ROW, expected, regression_package, route


class HeldModel:
    """Answers each question as the model would, once it may. Remembers the hours it was asked for, in order."""

    def __init__(self, model: RowModel, may: threading.Semaphore, asked: list[int]) -> None:
        self._model, self._may, self._asked = model, may, asked
        self.signature = model.signature

    @property
    def package(self) -> Package:
        return self._model.package

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        self._asked.append(instances[0]["hour"])
        assert self._may.acquire(timeout=10)
        return self._model.predict(instances, extra=extra)


class HeldEngine(Engine):
    def __init__(self, cache: PackageCache) -> None:
        super().__init__(cache)
        self.may = threading.Semaphore(0)
        self.asked: list[int] = []
        self.threads = ThreadPoolExecutor(16)

    def load(self, digest: str) -> Loaded:
        good = super().load(digest)
        return Loaded(digest, HeldModel(good.model, self.may, self.asked), quick=False, threads=self.threads)


class Plane:
    """The data plane while it runs, asked for several things at once."""

    def __init__(self, app: ServingApp, engine: HeldEngine) -> None:
        self.app, self.engine = app, engine
        self._http = AsyncClient(transport=ASGITransport(app), base_url="http://serving", headers=BEARER)

    def ask(self, hour: int = 5, headers: dict[str, str] | None = None) -> asyncio.Task[Response]:
        sent = self._http.post("/serve/bikes/predict", json={"instances": [{**ROW, "hour": hour}]}, headers=headers)
        return asyncio.create_task(sent)

    async def post(self, path: str) -> Response:
        return await self._http.post(path, json={})

    async def asked(self, count: int) -> None:
        """Until the model has been asked so many times."""
        await until(lambda: len(self.engine.asked) >= count)

    async def waiting(self, count: int) -> None:
        endpoint = self.app.table.endpoint("bikes")
        assert endpoint is not None
        await until(lambda: endpoint.gate.waiting == count)

    def answer(self, count: int = 1) -> None:
        self.engine.may.release(count)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.005)


Scenario = Callable[[Plane], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(store: LocalStore, bikes: str, tmp_path: Path) -> Play:
    """Plays a scenario on a running data plane whose endpoint `bikes` has the given settings."""

    @asynccontextmanager
    async def plane() -> AsyncIterator[Plane]:
        metrics = ServingMetrics(CollectorRegistry())
        engine = HeldEngine(PackageCache(store, tmp_path / "cache"))
        recorder = Recorder(store, metrics)
        table = RouteTable(store, engine, metrics, Trials(store, recorder), poll_seconds=0.02)
        app = create_app(table, engine, recorder, metrics)
        async with running(app):
            yield Plane(app, engine)
            engine.may.release(100)

    async def go(scenario: Scenario) -> None:
        async with plane() as started:
            await scenario(started)

    def run(scenario: Scenario, **settings: int) -> None:
        route(store, "bikes", 2, (1, bikes), **settings)  # type: ignore[arg-type]  # settings, no standby
        asyncio.run(go(scenario))

    return run


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


class TestConcurrency:
    def test_lets_in_so_many_and_the_others_in_the_order_they_came(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            tasks = []
            for hour in range(6):
                tasks.append(plane.ask(hour))
                await (plane.asked(hour + 1) if hour < 2 else plane.waiting(hour - 1))
            assert plane.engine.asked == [0, 1]
            for answered in range(1, 5):
                plane.answer()
                await plane.asked(2 + answered)
            plane.answer(2)
            assert [response.status_code for response in await asyncio.gather(*tasks)] == [200] * 6
            assert plane.engine.asked == [0, 1, 2, 3, 4, 5]

        play(scenario, max_concurrency=2)

    def test_sends_away_who_finds_the_line_full(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            first = plane.ask()
            await plane.asked(1)
            second = plane.ask()
            await plane.waiting(1)
            refused = await plane.ask()
            assert code(refused) == (429, "too_busy")
            assert refused.headers["retry-after"] == "1"
            plane.answer(2)
            assert [(await task).status_code for task in (first, second)] == [200, 200]
            counted = plane.app.metrics.registry.get_sample_value(
                "millrace_predict_requests_total", {"endpoint": "bikes", "version": "", "outcome": "too_busy"}
            )
            assert counted == 1.0

        play(scenario, max_concurrency=1, max_waiting=1)

    @pytest.mark.parametrize(
        ("path", "said"),
        [("/serve/bikes/invocations", '"error_code":"REQUEST_LIMIT_EXCEEDED"'), ("/v2/models/bikes/infer", '"error":')],
    )
    def test_says_so_as_each_protocol_does(self, play: Play, path: str, said: str) -> None:
        async def scenario(plane: Plane) -> None:
            first = plane.ask()
            await plane.asked(1)
            refused = await plane.post(path)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert said in refused.text
            plane.answer()
            assert (await first).status_code == 200

        play(scenario, max_concurrency=1, max_waiting=0)

    def test_a_client_that_goes_away_frees_its_place_in_the_line(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            first = plane.ask()
            await plane.asked(1)
            came, leave = [b'{"instances": [{"hour": 9}]}'], asyncio.Event()

            async def receive() -> dict[str, Any]:
                if came:
                    return {"type": "http.request", "body": came.pop()}
                await leave.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                pytest.fail(f"nobody is there for {message}")

            scope = {
                "type": "http", "method": "POST", "path": "/serve/bikes/predict", "client": ("127.0.0.1", 1),
                "headers": [(b"authorization", BEARER["Authorization"].encode())],
            }  # fmt: skip
            goer = asyncio.create_task(plane.app(scope, receive, send))
            await plane.waiting(1)
            leave.set()
            await goer
            await plane.waiting(0)
            plane.answer()
            assert (await first).status_code == 200
            assert plane.engine.asked == [5]

        play(scenario, max_concurrency=1, max_waiting=1)

    def test_a_raised_limit_is_in_force_at_the_next_request(self, play: Play, store: LocalStore, bikes: str) -> None:
        async def scenario(plane: Plane) -> None:
            tasks = [plane.ask(0)]
            await plane.asked(1)
            tasks.append(plane.ask(1))
            await plane.waiting(1)
            route(store, "bikes", 3, (1, bikes), max_concurrency=3)
            await until(lambda: plane.app.table.report().revisions["bikes"] == 3)
            tasks.append(plane.ask(2))
            await plane.asked(3)
            plane.answer(3)
            assert [response.status_code for response in await asyncio.gather(*tasks)] == [200] * 3

        play(scenario, max_concurrency=1)

    def test_who_waited_is_answered_by_the_version_of_its_turn(self, play: Play, store: LocalStore, bikes: str) -> None:
        async def scenario(plane: Plane) -> None:
            first = plane.ask()
            await plane.asked(1)
            second = plane.ask()
            await plane.waiting(1)
            route(store, "bikes", 3, (2, regression_package(store, 2)), standby=[(1, bikes)], max_concurrency=1)
            await until(lambda: plane.app.table.report().revisions["bikes"] == 3)
            plane.answer(2)
            assert (await first).json()["predictions"] == [expected(ROW, 1)]
            assert (await second).json()["predictions"] == [expected(ROW, 2)]

        play(scenario, max_concurrency=1)

    def test_a_model_that_fails_gives_its_place_back(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            plane.answer(6)
            bad = [await plane.ask("no hour") for _ in range(3)]  # type: ignore[arg-type]
            assert {response.status_code for response in bad} == {422}
            assert (await plane.ask()).status_code == 200

        play(scenario, max_concurrency=1, max_waiting=0)


class TestDeadline:
    def test_passes_while_waiting(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            first = plane.ask()
            await plane.asked(1)
            late = await plane.ask(headers={"X-Request-Timeout-Ms": "30"})
            assert code(late) == (503, "deadline_exceeded")
            assert late.headers["retry-after"] == "1"
            await plane.waiting(0)
            plane.answer()
            assert (await first).status_code == 200

        play(scenario, max_concurrency=1)

    def test_passes_while_computing_and_the_place_stays_taken_until_the_model_has_ended(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            assert code(await plane.ask()) == (503, "deadline_exceeded")
            assert code(await plane.ask()) == (429, "too_busy")
            plane.answer()
            endpoint = plane.app.table.endpoint("bikes")
            assert endpoint is not None
            await until(lambda: endpoint.gate.idle)
            plane.answer()
            assert (await plane.ask()).status_code == 200

        play(scenario, max_concurrency=1, max_waiting=0, deadline_ms=100)

    def test_a_caller_may_ask_for_less_and_never_gets_more(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            for asked in ("20", "5000", "9" * 30):
                assert code(await plane.ask(headers={"X-Request-Timeout-Ms": asked})) == (503, "deadline_exceeded")

        play(scenario, deadline_ms=50)

    @pytest.mark.parametrize("asked", ["0", "-5", "1.5", "soon", "000"])
    def test_refuses_what_is_no_number_of_milliseconds(self, play: Play, asked: str) -> None:
        async def scenario(plane: Plane) -> None:
            response = await plane.ask(headers={"X-Request-Timeout-Ms": asked})
            assert code(response) == (400, "bad_header")
            assert response.json()["where"] == "X-Request-Timeout-Ms"

        play(scenario)

    def test_who_is_too_late_in_the_line_of_the_threads_is_not_computed(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            plane.engine.threads._max_workers = 1  # the model's own threads are fewer than its places
            first = plane.ask(1)
            await plane.asked(1)
            assert code(await plane.ask(2, {"X-Request-Timeout-Ms": "20"})) == (503, "deadline_exceeded")
            plane.answer(2)
            assert (await first).status_code == 200
            assert (await plane.ask(3)).status_code == 200
            assert plane.engine.asked == [1, 3]

        play(scenario)


def test_a_client_that_goes_away_as_its_turn_comes_passes_it_on(play: Play) -> None:
    async def scenario(plane: Plane) -> None:
        endpoint = plane.app.table.endpoint("bikes")
        assert endpoint is not None
        gate, settings = endpoint.gate, endpoint.settings
        assert gate.take(settings, 0.0)
        leave = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await leave.wait()
            return {"type": "http.disconnect"}

        waiter = asyncio.create_task(gate.enter(settings, asyncio.get_running_loop().time() + 1e6, receive))
        await plane.waiting(1)
        leave.set()
        await asyncio.sleep(0)  # the client is gone, the waiter does not know yet
        gate.leave()
        with pytest.raises(Disconnected):
            await waiter
        await until(lambda: gate.idle)

    play(scenario, max_concurrency=1)
