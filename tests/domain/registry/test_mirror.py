"""What others change in MLflow is seen within one look, told once, and put right as the model says."""

from dataclasses import dataclass

import httpx
import pytest

from domain.registry import queries, service
from domain.registry.mirror import Difference, SeenModel, SeenVersion, Standing, differences
from domain.registry.specs import OutsidePolicy
from tests.conftest import Drain, SteppingClock, TrackingInMemory
from tests.finished_runs import finished_run, make_data
from workers.handlers.registry import order_look_at_mirror
from workers.toolbox import Toolbox


@dataclass
class Mirrored:
    """Model `m` with two versions, the first of them champion, and its mirror in step."""

    client: httpx.Client
    tools: Toolbox
    drain: Drain
    clock: SteppingClock
    mirror: TrackingInMemory

    def look(self) -> None:
        """What the tick does once the last look is old enough, and all that follows."""
        self.clock.advance(61)
        order_look_at_mirror(self.tools)
        self.drain()

    def events(self, kind: str) -> list[dict[str, object]]:
        return [one["payload"] for one in self.client.get("events", params={"type": kind}).json()["items"]]

    def policy(self, policy: OutsidePolicy) -> None:
        assert self.client.patch("models/m", json={"outside_changes": policy}).status_code == 200

    @property
    def shown(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.client.get("models/m").json()["changed_outside"]
        return found


@pytest.fixture
def mirrored(
    client: httpx.Client, tools: Toolbox, drain: Drain, clock: SteppingClock, tracking: TrackingInMemory
) -> Mirrored:
    with tools.runtime.transaction() as session:
        model = service.create_model(session, name="m", task="regression", target="y")
        data = make_data(session)
        first, _ = [service.add_version(session, model=model, run_id=finished_run(session, data)) for _ in range(2)]
        service.move_alias(session, model=model, alias="champion", version=first, expected=None)
    drain()
    assert tracking.aliases == {("m", "champion"): 1}
    return Mirrored(client, tools, drain, clock, tracking)


class TestLook:
    def test_sees_nothing_while_the_mirror_is_in_step(self, mirrored: Mirrored) -> None:
        mirrored.look()
        assert (mirrored.shown, mirrored.events("AliasChangedOutside")) == ([], [])

    def test_puts_a_moved_alias_back_and_tells(self, mirrored: Mirrored) -> None:
        mirrored.mirror.aliases["m", "champion"] = 2
        mirrored.look()
        assert mirrored.mirror.aliases == {("m", "champion"): 1}
        [told] = mirrored.events("AliasChangedOutside")
        assert (told["alias"], told["number"], told["expected"], told["policy"]) == ("champion", 2, 1, "revert")
        mirrored.look()
        assert mirrored.shown == []
        assert len(mirrored.events("AliasChangedOutside")) == 1

    def test_tells_again_when_it_is_moved_again(self, mirrored: Mirrored) -> None:
        for _ in range(2):
            mirrored.mirror.aliases["m", "champion"] = 2
            mirrored.look()
        assert len(mirrored.events("AliasChangedOutside")) == 2
        assert mirrored.mirror.aliases == {("m", "champion"): 1}

    @pytest.mark.parametrize("alias", ["champion", "challenger"])
    def test_puts_back_what_was_taken_away_and_takes_away_what_was_put(self, mirrored: Mirrored, alias: str) -> None:
        mirrored.mirror.aliases = {("m", "challenger"): 1} if alias == "challenger" else {}
        mirrored.look()
        assert mirrored.mirror.aliases == {("m", "champion"): 1}

    def test_only_flags_where_the_model_says_so(self, mirrored: Mirrored) -> None:
        mirrored.policy("flag")
        mirrored.mirror.aliases["m", "champion"] = 2
        mirrored.look()
        mirrored.look()
        assert mirrored.mirror.aliases["m", "champion"] == 2
        [shown] = mirrored.shown
        assert len(mirrored.events("AliasChangedOutside")) == 1
        path = f"models/m/outside-changes/{shown['id']}/acknowledge"
        assert mirrored.client.post(path).json()["acknowledged_by"] == "admin"
        assert mirrored.shown == []
        mirrored.mirror.aliases["m", "champion"] = 1
        mirrored.look()
        [over] = mirrored.client.get("models/m/outside-changes").json()["items"]
        assert over["resolved_at"] is not None

    def test_adopts_by_asking_for_a_promotion_and_puts_it_back_meanwhile(self, mirrored: Mirrored) -> None:
        mirrored.policy("adopt")
        mirrored.mirror.aliases["m", "champion"] = 2
        mirrored.look()
        [asked] = mirrored.client.get("promotions").json()["items"]
        assert (asked["version"], asked["requested_by"]) == (2, "millrace")
        assert mirrored.mirror.aliases["m", "champion"] == 1
        [change] = mirrored.client.get("models/m/outside-changes").json()["items"]
        assert asked["id"] in change["note"]

    def test_says_why_it_does_not_adopt(self, mirrored: Mirrored) -> None:
        mirrored.policy("adopt")
        with mirrored.tools.runtime.transaction() as session:
            service.archive_version(session, version_id=queries.get_version(session, "m", 2).id)
        mirrored.mirror.aliases["m", "champion"] = 2
        mirrored.look()
        [change] = mirrored.client.get("models/m/outside-changes").json()["items"]
        assert change["note"] == "Not adopted: m version 2 is archived."

    def test_registers_a_removed_version_again(self, mirrored: Mirrored) -> None:
        del mirrored.mirror.versions["m", 2]
        mirrored.look()
        assert ("m", 2) in mirrored.mirror.versions
        assert [one["number"] for one in mirrored.events("VersionRemovedOutside")] == [2]

    def test_waits_for_our_own_mirror_jobs(self, mirrored: Mirrored) -> None:
        with mirrored.tools.runtime.transaction() as session:
            model, second = queries.get_model(session, "m"), queries.get_version(session, "m", 2)
            first = queries.get_version(session, "m", 1)
            service.move_alias(session, model=model, alias="champion", version=second, expected=first.id)
        mirrored.look()
        assert mirrored.events("AliasChangedOutside") == []
        assert mirrored.mirror.aliases["m", "champion"] == 2

    def test_of_a_server_that_is_away_comes_to_nothing(self, mirrored: Mirrored) -> None:
        mirrored.mirror.away = True
        mirrored.look()
        [job] = mirrored.client.get("jobs", params={"kind": "LookAtMirror"}).json()["items"]
        assert (job["state"], job["result"]) == ("succeeded", {"away": True, "changes": 0})

    def test_is_ordered_once_in_its_time(self, mirrored: Mirrored) -> None:
        for _ in range(3):
            order_look_at_mirror(mirrored.tools)
            mirrored.drain()
        assert len(mirrored.client.get("jobs", params={"kind": "LookAtMirror"}).json()["items"]) == 1


class TestDifferences:
    def test_name_versions_that_only_mlflow_has(self) -> None:
        seen = SeenModel({}, [SeenVersion("1", 1, None, None), SeenVersion("2", None, "eve", None)])
        standing = Standing({}, frozenset({1}), idle=True, last_job=None, imported=frozenset())
        assert differences(standing, seen) == [Difference("version_unknown", found="2", who="eve")]

    def test_know_a_version_that_was_imported(self) -> None:
        seen = SeenModel({}, [SeenVersion("2", None, "eve", None)])
        standing = Standing({}, frozenset(), idle=True, last_job=None, imported=frozenset({"2"}))
        assert differences(standing, seen) == []

    def test_tell_an_alias_on_an_unknown_version_where_ours_is_not_set(self) -> None:
        seen = SeenModel({"champion": "2"}, [SeenVersion("2", None, None, None)])
        standing = Standing({}, frozenset(), idle=True, last_job=None, imported=frozenset({"2"}))
        assert differences(standing, seen) == [Difference("alias", alias="champion", found="2")]


def test_an_unknown_change_is_a_404(mirrored: Mirrored) -> None:
    problem = mirrored.client.post("models/m/outside-changes/nope/acknowledge").json()
    assert (problem["status"], problem["code"]) == (404, "unknown_outside_change")
