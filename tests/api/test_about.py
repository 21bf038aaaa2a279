"""What an installation is made of, whatever of it is away."""

import threading
from dataclasses import replace
from pathlib import Path

import httpx
from alembic.config import Config
from alembic.script import ScriptDirectory
from anyio.from_thread import BlockingPortal

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectInfo, StoreUnavailable
from adapters.probes import Prober
from adapters.runtime import Runtime
from api.bootstrap import bootstrap
from api.main import create_app
from domain.access.actor import Role
from tests.architecture.source import ROOT
from tests.conftest import DoorTransport
from workers.tick import tell_tick
from workers.toolbox import Toolbox


class AwayStore(LocalStore):
    def info(self, key: str) -> ObjectInfo:
        raise StoreUnavailable(f"{key} cannot be had.")


class AwayQueue:
    def nudge(self, job_id: str) -> None: ...

    def depth(self) -> int | None:
        return None

    def workers(self) -> list[str] | None:
        raise ConnectionError("redis://:secret@host")


class TestAbout:
    def test_says_what_answers_and_what_does_not(self, client: httpx.Client, tools: Toolbox) -> None:
        tell_tick(tools)
        about = client.get("about").json()
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        head = ScriptDirectory.from_config(config).get_current_head()
        database = about["database"]
        assert (database["kind"], database["reachable"]) == ("sqlite", True)
        assert database["revision"] == database["newest_revision"] == head
        assert about["broker"] == {
            "reachable": True,
            "error": None,
            "milliseconds": about["broker"]["milliseconds"],
            "waiting": tools.runtime.queue.depth(),
        }
        assert [(one["name"], one["kind"], one["reachable"]) for one in about["stores"]] == [
            ("data", "local", True),
            ("models", "local", True),
        ]
        assert (about["mlflow"]["reachable"], "ConnectError" in about["mlflow"]["error"]) == (False, True)
        assert 0 <= about["workers"]["last_tick_age_seconds"] < 60
        assert about["limits"]["max_page"] == 500

    def test_answers_with_every_part_away_and_tells_no_secret(
        self, runtime: Runtime, portal: BlockingPortal, tmp_path: Path
    ) -> None:
        token = bootstrap(runtime)
        away = AwayStore(tmp_path / "store")
        app = create_app(replace(runtime, data=away, models=away, queue=AwayQueue()))
        with httpx.Client(transport=DoorTransport(app, portal), base_url="http://millrace/api/v1/") as client:
            answer = client.get("about", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        about = answer.json()
        assert not any(one["reachable"] for one in [about["broker"], about["mlflow"], *about["stores"]])
        assert (about["workers"]["answering"], about["workers"]["last_tick_at"]) == (None, None)
        assert "secret" not in answer.text


class TestProber:
    def test_does_not_wait_for_a_part_that_hangs_nor_ask_it_twice(self) -> None:
        release, asked = threading.Event(), []

        def hang() -> str:
            asked.append(1)
            release.wait(10)
            return "back"

        prober = Prober()
        first = prober.ask({"slow": hang, "quick": lambda: 1}, seconds=0.05)
        assert (first["quick"].value, first["slow"].error) == (1, "It did not answer within 0.05 seconds.")
        prober.ask({"slow": hang}, seconds=0.01)
        assert len(asked) == 1
        release.set()
        assert prober.ask({"slow": hang}, seconds=5)["slow"].value == "back"
        assert prober.ask({"slow": hang}, seconds=5)["slow"].value == "back"
        assert len(asked) == 2


def test_roles_say_what_each_allows(client: httpx.Client) -> None:
    roles = {one["role"]: [scope["scope"] for scope in one["scopes"]] for one in client.get("roles").json()}
    assert list(roles) == list(Role)
    assert roles["viewer"] == ["read"]
    assert roles["admin"] == ["read", "write", "predict", "approve", "admin"]
