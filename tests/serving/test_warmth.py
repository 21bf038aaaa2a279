"""More endpoints than fit in memory, and packages that hang, are too large or damaged: the others never notice."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response
from prometheus_client import CollectorRegistry

from adapters.object_store.local import LocalStore
from serving.app import ServingApp, create_app, running
from serving.engine import Engine, Loaded
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.table import Endpoint, RouteTable
from serving.trials import Trials
from tests.serving.plants import BEARER, ROW, TOKEN, admit, eventually, expected, regression_package, route


class HoldingEngine(Engine):
    """Remembers what it opens; what is `held` hangs until it is let go."""

    def __init__(self, cache: PackageCache) -> None:
        super().__init__(cache)
        self.opened: list[str] = []
        self.held: set[str] = set()
        self.let_go = threading.Event()

    def _open(self, digest: str) -> Loaded:
        self.opened.append(digest)
        if digest in self.held:
            self.let_go.wait(20)
        return super()._open(digest)


@pytest.fixture
def packages(store: LocalStore) -> dict[int, str]:
    """Twelve packages, each live at an endpoint of its own: `e1` answers by version 1, and so on."""
    admit(store, TOKEN)
    made = {number: regression_package(store, number) for number in range(1, 13)}
    for number, digest in made.items():
        route(store, f"e{number}", 1, (number, digest), deadline_ms=5000)
    return made


@pytest.fixture
def engine(store: LocalStore, tmp_path: Path) -> Iterator[HoldingEngine]:
    engine = HoldingEngine(PackageCache(store, tmp_path / "cache", max_bytes=100_000))
    yield engine
    engine.let_go.set()


@pytest.fixture
def app(store: LocalStore, engine: HoldingEngine) -> ServingApp:
    metrics = ServingMetrics(CollectorRegistry())
    recorder = Recorder(store, metrics)
    table = RouteTable(
        store, engine, metrics, Trials(store, recorder),
        poll_seconds=0.02, max_loaded=4, load_seconds=0.2, start_seconds=1,
    )  # fmt: skip
    return create_app(table, engine, recorder, metrics)


class Plane:
    def __init__(self, app: ServingApp) -> None:
        self._app = app
        self._http = AsyncClient(transport=ASGITransport(app), base_url="http://serving", headers=BEARER)

    def endpoint(self, name: str) -> Endpoint:
        found = self._app.table.endpoint(name)
        assert found is not None
        return found

    def warm(self) -> set[str]:
        return {name for name, digests in self._app.table.report().warm.items() if digests}

    async def ask(self, number: int, headers: dict[str, str] | None = None) -> Response:
        body = {"instances": [ROW]}
        return await self._http.post(f"/serve/e{number}/predict", json=body, headers=headers)

    async def answers(self, number: int, version: int | None = None) -> None:
        response = await self.ask(number)
        assert response.status_code == 200, response.text
        assert response.json()["predictions"] == [expected(ROW, version or number)]

    async def get(self, path: str) -> Response:
        return await self._http.get(path)

    async def eventually(self, holds: Callable[[], object]) -> None:
        await asyncio.to_thread(eventually, holds)


Play = Callable[[Callable[[Plane], Awaitable[None]]], None]


@pytest.fixture
def play(app: ServingApp, packages: dict[int, str], engine: HoldingEngine) -> Play:
    @asynccontextmanager
    async def plane() -> AsyncIterator[Plane]:
        async with running(app):
            yield Plane(app)
            engine.let_go.set()

    async def go(scenario: Callable[[Plane], Awaitable[None]]) -> None:
        async with plane() as started:
            await scenario(started)

    return lambda scenario: asyncio.run(go(scenario))


class TestRoom:
    def test_every_endpoint_answers_and_only_so_many_are_in_memory(self, play: Play, engine: HoldingEngine) -> None:
        async def scenario(plane: Plane) -> None:
            assert len(engine.loaded) == 4
            for number in [*range(1, 13), *range(12, 0, -1)]:
                await plane.answers(number)
                assert len(engine.loaded) <= 4

        play(scenario)

    def test_who_was_asked_least_lately_goes(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4, 1):
                await plane.answers(number)
            await plane.answers(5)
            assert plane.warm() == {"e1", "e3", "e4", "e5"}

        play(scenario)

    def test_both_colours_of_an_endpoint_stay_and_go_together(
        self, play: Play, store: LocalStore, packages: dict[int, str]
    ) -> None:
        async def scenario(plane: Plane) -> None:
            route(store, "e1", 2, (1, packages[1]), standby=[(2, packages[2])])
            await plane.eventually(lambda: plane.endpoint("e1").revision == 2 and plane.endpoint("e1").live)
            for number in (3, 4):
                await plane.answers(number)
            assert plane.endpoint("e1").digests == {packages[1], packages[2]}
            await plane.answers(5)
            assert plane.endpoint("e1").digests == set()
            await plane.answers(1)
            assert plane.endpoint("e1").digests == {packages[1], packages[2]}

        play(scenario)

    def test_who_has_a_request_under_way_stays(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            await plane.answers(1)
            gate = plane.endpoint("e1").gate
            assert gate.take(plane.endpoint("e1").settings, 0.0)
            for number in range(2, 10):
                await plane.answers(number)
            assert "e1" in plane.warm()
            gate.leave()
            await plane.answers(10)
            assert "e1" not in plane.warm()

        play(scenario)

    def test_what_is_routed_anew_is_loaded(self, play: Play, store: LocalStore, packages: dict[int, str]) -> None:
        """A rollout waits until serving has its version warm, and an endpoint that nobody asks is no exception."""

        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4):
                await plane.answers(number)
            assert "e9" not in plane.warm()
            green = regression_package(store, 99)
            route(store, "e9", 2, (9, packages[9]), standby=[(99, green)])
            await plane.eventually(lambda: plane.endpoint("e9").digests == {packages[9], green})
            route(store, "e9", 3, (99, green), standby=[(9, packages[9])])
            await plane.eventually(lambda: plane.endpoint("e9").revision == 3)
            await plane.answers(9, 99)

        play(scenario)

    def test_a_cold_endpoint_is_ready_and_describes_itself(self, play: Play) -> None:
        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4):
                await plane.answers(number)
            assert (await plane.get("/v2/models/e9/ready")).status_code == 200
            described = await plane.get("/v2/models/e9")
            assert (described.status_code, described.json()["versions"]) == (200, ["9"])

        play(scenario)


class TestFirstRequest:
    def test_all_who_come_first_wait_for_one_load(
        self, play: Play, engine: HoldingEngine, packages: dict[int, str]
    ) -> None:
        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4):
                await plane.answers(number)
            engine.held.add(packages[9])
            asked = [asyncio.create_task(plane.ask(9)) for _ in range(20)]
            await plane.eventually(lambda: packages[9] in engine.opened)
            await plane.answers(1)  # the others are answered meanwhile
            engine.let_go.set()
            assert {response.status_code for response in await asyncio.gather(*asked)} == {200}
            assert engine.opened.count(packages[9]) == 1

        play(scenario)

    def test_waits_no_longer_than_its_deadline(
        self, play: Play, engine: HoldingEngine, packages: dict[int, str]
    ) -> None:
        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4):
                await plane.answers(number)
            engine.held.add(packages[9])
            late = await plane.ask(9, {"X-Request-Timeout-Ms": "50"})
            assert (late.status_code, late.json()["code"]) == (503, "deadline_exceeded")
            assert plane.endpoint("e9").gate.idle
            engine.let_go.set()
            await plane.answers(9)

        play(scenario)

    def test_a_damaged_version_leaves_the_one_before_to_an_endpoint_that_was_cold(
        self, play: Play, store: LocalStore, app: ServingApp
    ) -> None:
        async def scenario(plane: Plane) -> None:
            for number in (1, 2, 3, 4):
                await plane.answers(number)
            green = regression_package(store, 99)
            store.put(f"packages/{green}/model.onnx", b"damaged")
            route(store, "e9", 2, (99, green))
            await plane.eventually(lambda: green in app.table.report().errors)
            await plane.answers(9)
            assert plane.endpoint("e9").revision == 1

        play(scenario)


class TestHanging:
    def test_packages_that_hang_are_reported_and_hold_up_nobody(
        self, play: Play, store: LocalStore, app: ServingApp, engine: HoldingEngine, packages: dict[int, str]
    ) -> None:
        """More of them than there are threads that load."""

        async def scenario(plane: Plane) -> None:
            hanging = {number: regression_package(store, 100 + number) for number in range(1, 9)}
            engine.held.update(hanging.values())
            for number, digest in hanging.items():
                route(store, f"e{number}", 2, (100 + number, digest))
            await plane.eventually(lambda: set(hanging.values()) <= set(app.table.report().errors))
            assert "more than 0.2 s" in app.table.report().errors[hanging[1]]
            await plane.answers(12)
            for number in (1, 8):
                await plane.answers(number)  # by the old routes
            route(store, "e1", 3, (3, packages[3]))  # who takes it back does not wait for it
            await plane.eventually(lambda: plane.endpoint("e1").revision == 3)
            await plane.answers(1, 3)
            engine.let_go.set()
            await plane.eventually(lambda: app.table.report().errors == {})
            await plane.answers(8, 108)
            await plane.answers(1, 3)

        play(scenario)

    def test_one_that_hangs_at_the_start_leaves_the_process_to_the_others(
        self,
        play: Play,
        app: ServingApp,
        engine: HoldingEngine,
        packages: dict[int, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        engine.held.add(packages[1])

        async def scenario(plane: Plane) -> None:
            await plane.answers(2)
            await plane.eventually(lambda: packages[1] in app.table.report().errors)
            engine.let_go.set()
            await plane.answers(1)

        play(scenario)


def test_a_package_that_is_too_large_is_refused_and_the_old_routes_stay(
    play: Play, store: LocalStore, app: ServingApp, tmp_path: Path
) -> None:
    async def scenario(plane: Plane) -> None:
        green = regression_package(store, 2, padding=200_000)
        route(store, "e1", 2, (2, green))
        await plane.eventually(lambda: green in app.table.report().errors)
        assert "at most 100000 are loaded here" in app.table.report().errors[green]
        assert not (tmp_path / "cache" / green).exists()
        await plane.answers(1)

    play(scenario)
