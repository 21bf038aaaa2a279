"""The route table over a real store: what it takes up, what it refuses, and that it goes on when the store does not."""

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.opening import open_store
from domain.deployments.specs import ServingInstance
from serving.app import ServingApp, build_serving
from serving.table import RouteTable
from serving.trials import Trials
from tests.serving.conftest import Client, Serve
from tests.serving.plants import (
    BEARER,
    ROW,
    TOKEN,
    MovableStore,
    admit,
    eventually,
    expected,
    regression_package,
    route,
)


@pytest.fixture
def table(app: ServingApp) -> Iterator[RouteTable]:
    """A table that looks at the store only when told to."""
    yield app.table
    app.table.stop()
    app.engine.close()


def versions(table: RouteTable, endpoint: str = "bikes") -> list[int]:
    found = table.endpoint(endpoint)
    return [] if found is None else [target.version for target in found.live]


def ask(client: Client) -> float:
    response = client.post("/serve/bikes/predict", json={"instances": [ROW]})
    assert response.status_code == 200, response.text
    return float(response.json()["predictions"][0])


class TestSwitch:
    def test_takes_up_new_routes_and_keeps_the_old_version_warm(
        self, store: LocalStore, bikes: str, table: RouteTable
    ) -> None:
        table.refresh()
        green = regression_package(store, 2)
        route(store, "bikes", 2, (2, green), standby=[(1, bikes)])
        table.refresh()
        assert versions(table) == [2]
        assert table.report().warm == {"bikes": sorted([bikes, green])}
        assert table.report().revisions == {"bikes": 2}

    def test_ignores_a_lower_revision(self, store: LocalStore, bikes: str, table: RouteTable) -> None:
        route(store, "bikes", 5, (1, bikes))
        table.refresh()
        route(store, "bikes", 4, (2, regression_package(store, 2)))
        table.refresh()
        assert versions(table) == [1]

    def test_sees_two_changes_with_the_same_size_and_time_stamp(
        self, tmp_path: Path, store: LocalStore, bikes: str, table: RouteTable
    ) -> None:
        """Object stores stamp by the second: a rollback right after a switch looks unchanged."""
        green = regression_package(store, 2)
        stamp = (1_000_000_000, 1_000_000_000)
        path = store.local_path("routes/bikes.json")
        assert path is not None
        for revision, version, package in ((2, 2, green), (3, 1, bikes)):
            route(store, "bikes", revision, (version, package))
            os.utime(path, stamp)
            table.refresh()
            assert versions(table) == [version]

    def test_shares_traffic_and_sticks_to_keys(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), (2, regression_package(store, 2)))
        with serve() as client:
            drawn = Counter(ask(client) for _ in range(100))
            assert set(drawn) == {expected(ROW, 1), expected(ROW, 2)}
            for key in ("anna", "boris", "chen"):
                response = {
                    client.post(
                        "/serve/bikes/predict", json={"instances": [ROW]}, headers={**BEARER, "X-Routing-Key": key}
                    ).headers["x-model-version"]
                    for _ in range(10)
                }
                assert len(response) == 1

    def test_follows_the_store_by_itself(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        with serve() as client:
            assert ask(client) == expected(ROW, 1)
            route(store, "bikes", 2, (2, regression_package(store, 2)), standby=[(1, bikes)])
            eventually(lambda: ask(client) == expected(ROW, 2))
            admit(store, "another", revision=2)
            eventually(lambda: client.get("/v2/models/bikes").status_code == 403)

    def test_forgets_a_deleted_endpoint(self, store: LocalStore, bikes: str, table: RouteTable) -> None:
        route(store, "rides", 1, (1, bikes))
        table.refresh()
        store.delete("routes/rides.json")
        table.refresh()
        assert table.endpoint("rides") is None
        assert versions(table) == [1]

    def test_frees_a_model_that_no_route_names(self, store: LocalStore, bikes: str, app: ServingApp) -> None:
        app.table.refresh()
        assert app.engine.loaded == {bikes}
        green = regression_package(store, 2)
        route(store, "bikes", 2, (2, green))
        app.table.refresh()
        assert app.engine.loaded == {green}
        app.table.stop()
        app.engine.close()


class TestDamage:
    def test_a_damaged_package_leaves_the_old_routes_and_is_reported(
        self, store: LocalStore, bikes: str, table: RouteTable
    ) -> None:
        table.refresh()
        green = regression_package(store, 2)
        store.put(f"packages/{green}/model.onnx", b"damaged")
        route(store, "bikes", 2, (2, green), standby=[(1, bikes)])
        table.refresh()
        assert versions(table) == [1]
        assert "model.onnx is damaged" in table.report().errors[green]
        assert table.report().revisions == {"bikes": 1}

    def test_a_missing_package_is_taken_up_once_it_is_there(
        self, store: LocalStore, bikes: str, table: RouteTable
    ) -> None:
        table.refresh()
        green = regression_package(store, 2)
        listing = store.get(f"packages/{green}/package.json")
        store.delete(f"packages/{green}/package.json")
        route(store, "bikes", 2, (2, green))
        table.refresh()
        assert versions(table) == [1]
        assert green in table.report().errors
        store.put(f"packages/{green}/package.json", listing)

        def taken_up() -> bool:
            table.refresh()
            return versions(table) == [2]

        eventually(taken_up)
        assert table.report().errors == {}

    def test_a_damaged_standby_does_not_hold_up_a_switch(
        self, store: LocalStore, bikes: str, table: RouteTable
    ) -> None:
        green = regression_package(store, 2)
        store.put(f"packages/{green}/model.onnx", b"damaged")
        route(store, "bikes", 2, (1, bikes), standby=[(2, green)])
        table.refresh()
        assert versions(table) == [1]
        assert table.report().warm == {"bikes": [bikes]}
        assert green in table.report().errors

    def test_an_endpoint_with_nothing_that_loads_answers_503(self, store: LocalStore, serve: Serve) -> None:
        admit(store, TOKEN)
        route(store, "bikes", 1, (1, "0" * 64))
        with serve() as client:
            response = client.post("/serve/bikes/predict", json={"instances": [ROW]})
            assert client.get("/v2/models/bikes/ready").status_code == 503
        assert response.status_code == 503
        assert response.json()["code"] == "no_live_version"
        assert response.headers["retry-after"] == "1"

    @pytest.mark.parametrize("path", ["/serve/bikes/predict", "/serve/bikes/invocations", "/v2/models/bikes/infer"])
    def test_an_endpoint_without_a_live_version_refuses_before_it_reads(
        self, store: LocalStore, bikes: str, serve: Serve, path: str
    ) -> None:
        route(store, "bikes", 2, standby=[(1, bikes)])

        read: list[bytes] = []

        async def body() -> AsyncIterator[bytes]:
            read.append(b"{")
            yield read[0]

        with serve() as client:
            response = client.post(path, content=body(), headers={"Content-Type": "application/json"})
            assert client.get("/v2/models/bikes/ready").status_code == 503
            assert client.get("/v2/models/bikes").status_code == 503
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "no live version" in response.text
        assert read == []

    @pytest.mark.parametrize(
        "text", [b"{", b"[]", b'{"endpoint": "other", "revision": 9, "model": "m", "targets": []}']
    )
    def test_unreadable_routes_leave_the_old_ones(
        self, store: LocalStore, bikes: str, table: RouteTable, text: bytes
    ) -> None:
        table.refresh()
        store.put("routes/bikes.json", text)
        table.refresh()
        assert versions(table) == [1]
        assert "routes/bikes.json" in table.report().errors
        route(store, "bikes", 2, (1, bikes))
        table.refresh()
        assert table.report().errors == {}

    def test_unreadable_tokens_leave_the_old_ones(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        with serve() as client:
            store.put("access/tokens.json", b"{")
            eventually(lambda: "access/tokens.json" in app_errors(store))
            assert ask(client) == expected(ROW, 1)


class TestStoreAway:
    def test_keeps_answering_while_the_store_is_gone_and_follows_it_when_back(
        self, tmp_path: Path, store: LocalStore, bikes: str, serve: Serve
    ) -> None:
        root, aside = tmp_path / "models", tmp_path / "aside"
        with serve() as client:
            assert ask(client) == expected(ROW, 1)
            root.rename(aside)
            for _ in range(20):
                assert ask(client) == expected(ROW, 1)
            shutil.rmtree(root, ignore_errors=True)  # what the heartbeat may have made of the empty mount point
            aside.rename(root)
            route(store, "bikes", 2, (2, regression_package(store, 2)))
            eventually(lambda: ask(client) == expected(ROW, 2))

    def test_starts_while_the_store_is_away_and_is_ready_when_it_is_back(
        self, store: MovableStore, bikes: str, serve: Serve
    ) -> None:
        store.away = True
        with serve() as client:
            assert client.get("/v2/health/ready").status_code == 503
            assert client.get("/readyz").status_code == 503
            assert client.get("/livez").status_code == 200
            store.away = False
            eventually(lambda: client.get("/readyz").status_code == 200)
            eventually(lambda: client.get("/v2/models/bikes/ready").status_code == 200)
            assert ask(client) == expected(ROW, 1)

    def test_keeps_routes_and_tokens_while_the_store_refuses(
        self, store: MovableStore, bikes: str, serve: Serve
    ) -> None:
        with serve() as client:
            store.away = True
            for _ in range(20):
                assert ask(client) == expected(ROW, 1)
            store.away = False
            route(store, "bikes", 2, (2, regression_package(store, 2)))
            eventually(lambda: ask(client) == expected(ROW, 2))

    def test_serves_from_a_store_that_is_no_folder(self, tmp_path: Path) -> None:
        store = open_store("memory://serving-table")
        digest = regression_package(store, 4)
        route(store, "bikes", 1, (4, digest))
        app = build_serving(store, tmp_path / "cache")
        app.table.refresh()
        assert versions(app.table) == [4]
        route(store, "bikes", 2, (5, regression_package(store, 5)))
        app.table.refresh()
        assert versions(app.table) == [5]
        app.table.stop()
        app.engine.close()


class TestHeartbeat:
    def test_says_what_is_warm_right_after_a_change_and_goes_on_leaving(
        self, store: LocalStore, bikes: str, app: ServingApp, serve: Serve
    ) -> None:
        key = f"instances/{app.table.instance}.json"
        with serve():
            eventually(lambda: store.exists(key))
            first = ServingInstance.model_validate_json(store.get(key))
            assert first.warm == {"bikes": [bikes]}
            eventually(lambda: ServingInstance.model_validate_json(store.get(key)).at > first.at)
        assert not store.exists(key)

    def test_goes_on_when_the_clock_jumps(self, store: LocalStore, bikes: str, app: ServingApp) -> None:
        """The time of the machine is told, and nothing is measured by it."""
        times = cycle([1.8e9, 1.7e9, 1.9e9, 0.0])
        table = RouteTable(
            store,
            app.engine,
            app.metrics,
            Trials(store, app.recorder),
            instance="jumping",
            poll_seconds=0.01,
            heartbeat_seconds=0.01,
            clock=lambda: next(times),
        )
        table.start()
        seen: set[float] = set()

        def all_were_told() -> bool:
            seen.add(ServingInstance.model_validate_json(store.get("instances/jumping.json")).at)
            return len(seen) == 4

        eventually(lambda: store.exists("instances/jumping.json"))
        eventually(all_were_told)
        green = regression_package(store, 2)
        store.put(f"packages/{green}/model.onnx", b"damaged")
        route(store, "bikes", 2, (2, green))
        eventually(lambda: green in table.report().errors)
        regression_package(store, 2)
        eventually(lambda: versions(table) == [2])  # what failed is tried again as if nothing had happened
        table.stop()
        app.engine.close()


def app_errors(store: LocalStore) -> dict[str, str]:
    reports = [ServingInstance.model_validate_json(store.get(info.key)) for info in store.list("instances/")]
    return {key: text for report in reports for key, text in report.errors.items()}
