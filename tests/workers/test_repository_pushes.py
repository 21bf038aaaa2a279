"""What a push sets off: the sync that was announced for it, and the pipelines that wait for data or code."""

from typing import Any, Final

import httpx
import pytest

from adapters.runtime import Runtime
from tests.conftest import Drain, SteppingClock
from tests.git_repositories import Clone, new_remote
from tests.workers.conftest import Register, Sync, push, versions

ONE = b"a,b\n1,2\n"


class TestAnnouncedPush:
    def test_is_taken_over_a_moment_after_it_happened(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain,
        clock: SteppingClock,
    ) -> None:  # fmt: skip
        push(runtime, ONE)
        clone.commit("base")
        remote = new_remote(clone.path.parent / "bare.git", clone)
        clone.git("push", "--quiet", "origin", "main")
        register(address=str(remote))
        drain()
        commit = clone.point("data/train.csv.dvc", ONE, "one")
        announced = {"branch": "main", "commit": commit}
        assert client.post("repositories/team/sync", json=announced).status_code == 202  # as the pre-push hook does
        for _ in range(2):
            clock.advance(20)
            assert [job.state for job in drain()] == ["succeeded"]
            assert versions(client) == []
        clone.git("push", "--quiet", "origin", "main")
        clock.advance(20)
        drain()
        assert [one["message"] for one in versions(client)] == ["one"]
        clock.advance(3600)
        assert drain() == []


class TestPipelines:
    TRAIN: Final = {"dataset": "train", "trainer": "linear", "task": "regression", "target": "b"}

    def put(self, client: httpx.Client, *triggers: dict[str, Any]) -> None:
        body = {"build": {"dataset": "train"}, "train": self.TRAIN, "model": "m", "triggers": triggers}
        client.post("models", json={"name": "m", "task": "regression", "target": "b"})
        assert client.put("pipelines/p", json=body).status_code in {200, 201}

    def runs(self, client: httpx.Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("pipelines/p/runs").json()["items"]
        return found

    def test_a_pushed_pointer_is_checked_and_then_starts_them(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        clone.commit("base")
        register()
        drain()
        self.put(client, {"on": "dataset_version", "dataset": "train"})
        push(runtime, ONE)
        clone.point("data/train.csv.dvc", ONE, "one")
        sync()
        (run,) = self.runs(client)
        assert (run["trigger"], run["trigger_reason"]) == ("dataset_version", "train version 1 is validated")

    @pytest.mark.parametrize(
        ("trigger", "starts"),
        [
            ({}, True),
            ({"paths": ["src/*.py"]}, True),
            ({"paths": ["docs/*", "src/deep/*"]}, True),
            ({"paths": ["docs/*"]}, False),
            ({"branch": "main"}, True),
            ({"branch": "next"}, False),
            ({"repository": "other"}, False),
        ],
    )
    def test_pushed_code_starts_those_that_wait_for_it(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync,
        trigger: dict[str, Any], starts: bool,
    ) -> None:  # fmt: skip
        clone.commit("base")
        register()
        drain()
        self.put(client, {"on": "code", "repository": "team"} | trigger)
        commit = clone.commit("code", **{"src/deep/a.py": "1"})
        sync()
        runs = self.runs(client)
        assert [run["trigger"] for run in runs] == (["code"] if starts else [])
        if starts:
            assert runs[0]["trigger_reason"] == f"team main is at {commit[:12]}: code"

    def test_what_code_starts_trains_with_its_commit(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        table = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n % 7) for n in range(100))
        push(runtime, table)
        clone.point("data/train.csv.dvc", table, "data")
        register()
        drain()
        self.put(client, {"on": "code", "repository": "team"})
        commit = clone.commit("code", **{"a.py": "1"})
        sync()
        (run,) = client.get("runs").json()["items"]
        assert run["code_commit"] == commit
