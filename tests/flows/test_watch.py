"""Walk: answers are recorded, the world moves on, a window tells, the governor retrains, the gate decides."""

from collections.abc import Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from adapters.runtime import Runtime
from tests.conftest import Drain
from tests.flows.plane import TRAIN, Plane, plane, promote, set_out, train_version, working, world
from tests.training_data import upload
from workers.handlers.monitoring import open_windows
from workers.toolbox import Toolbox

MONITOR: dict[str, Any] = {
    "policy": {"window_rows": 100, "min_rows": 50},
    "governor": {"windows_needed": 1, "windows_seen": 2},
}
RETRAIN: dict[str, Any] = {
    "build": {"dataset": "rides"},
    "train": TRAIN,
    "model": "rides",
    "triggers": [{"on": "drift", "endpoint": "rides"}],
}
ROW = world(1, seed=1).drop("rides")


class Watch:
    """Endpoint `rides` with version 1 live, its monitor, and a pipeline that retrains when it drifts."""

    def __init__(self, serving: Plane, client: httpx.Client, drain: Drain, tools: Toolbox) -> None:
        self.serving = serving
        self.client = client
        self.drain = drain
        self._tools = tools

    def replay(self, rows: pl.DataFrame, *, truth: bool = True) -> dict[str, float]:
        """Ask for these rows and, if so, tell their truth; gives the truth by prediction id."""
        answer = self.serving.predict("rides", rows.drop("rides"))
        self.serving.until_recorded("rides", answer["ids"][-1])
        known = dict(zip(answer["ids"], rows["rides"].to_list(), strict=True))
        if truth:
            self.tell(known)
        return known

    def tell(self, truth: dict[str, float]) -> None:
        items = [{"id": key, "value": value} for key, value in truth.items()]
        assert self.client.post("endpoints/rides/ground-truth", json={"items": items}).status_code == 200

    def tick(self) -> dict[str, Any]:
        """Look for windows, do all work that follows, and give the newest window."""
        self.look()
        self.drain()
        return self.windows()[0]

    def look(self) -> None:
        open_windows(self._tools)

    def windows(self) -> list[dict[str, Any]]:
        """Newest first."""
        items: list[dict[str, Any]] = self.client.get("endpoints/rides/drift").json()["items"]
        return items

    def alerts(self) -> dict[str, str]:
        return {alert["kind"]: alert["state"] for alert in self.client.get("alerts").json()["items"]}

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Payloads, newest first."""
        items = self.client.get("events", params={"type": kind}).json()["items"]
        return [event["payload"] for event in items]

    def until_answered_by(self, version: int) -> None:
        self.serving.until(lambda: self.serving.predict("rides", ROW)["model_version"] == version)

    def live(self) -> int | None:
        version: int | None = self.client.get("endpoints/rides").json()["live_version"]
        return version


@pytest.fixture
def watch(runtime: Runtime, client: httpx.Client, drain: Drain, tools: Toolbox) -> Iterator[Watch]:
    set_out(client, drain, train={})
    assert client.put("endpoints/rides/monitor", json=MONITOR).status_code == 200
    assert client.put("pipelines/retrain", json=RETRAIN).status_code == 201
    with plane(runtime) as serving:
        assert promote(client, drain, 1)["state"] == "applied"
        yield Watch(serving, client, drain, tools)


def moved(rows: int, *, seed: int) -> pl.DataFrame:
    """The world later: warmer, and every degree brings twice the rides."""
    return world(rows, seed=seed, slope=6.0, shift=10.0)


def test_the_loop_turns(watch: Watch) -> None:
    watch.replay(world(100, seed=10))
    quiet = watch.tick()
    assert (quiet["verdict"], quiet["version"], quiet["performance"]["labelled"]) == ("quiet", 1, 100)
    assert watch.alerts() == {}
    truth = watch.replay(moved(100, seed=11), truth=False)
    drifted = the_world_has_moved(watch)
    watch.tell(truth)
    the_truth_comes_late(watch, drifted)
    better_data_makes_a_better_version(watch)
    its_windows_are_quiet(watch)
    back_again(watch)


def the_world_has_moved(watch: Watch) -> dict[str, Any]:
    """One retrain starts, on data that knows nothing of the change: the gate says no, the champion stays."""
    drifted = watch.tick()
    assert (drifted["verdict"], drifted["performance"]) == ("drifted", None)
    assert "temp" in drifted["drift"]["drifted"]
    assert "hour" not in drifted["drift"]["drifted"]
    assert watch.alerts() == {"drift": "open"}
    (started,) = watch.events("RetrainStarted")
    run = watch.client.get(f"pipeline-runs/{started['run_id']}").json()
    assert (run["state"], run["trigger"]) == ("succeeded", "drift")
    assert run["reason"].startswith("The champion stays: Not better than the champion")
    assert [step["state"] for step in run["steps"]] == ["succeeded"] * 5 + ["skipped"]
    assert watch.live() == 1
    return drifted


def the_truth_comes_late(watch: Watch, drifted: dict[str, Any]) -> None:
    """The same window now tells of the quality; so soon after the last retrain, none is started."""
    degraded = watch.tick()
    assert (degraded["id"], degraded["verdict"]) == (drifted["id"], "degraded")
    assert degraded["performance"]["value"] > 50
    assert watch.alerts() == {"drift": "open", "quality": "open"}
    assert [refusal["rule"] for refusal in watch.events("RetrainRefused")] == ["cooldown"]


def better_data_makes_a_better_version(watch: Watch) -> None:
    """It passes on rows of the new world, and is switched to."""
    upload(watch.client, "rides", moved(400, seed=12))
    upload(watch.client, "frozen", moved(300, seed=13))
    watch.drain()
    train_version(watch.client, watch.drain)
    assert promote(watch.client, watch.drain, 3)["state"] == "applied"
    assert watch.live() == 3
    watch.until_answered_by(3)


def its_windows_are_quiet(watch: Watch) -> None:
    """The alerts are over by themselves."""
    for seed in (20, 21, 22):
        watch.replay(moved(100, seed=seed))
        newest = watch.tick()
    assert (newest["verdict"], newest["version"]) == ("quiet", 3)
    assert newest["performance"]["value"] < 2
    assert watch.alerts() == {"drift": "resolved", "quality": "resolved"}


def back_again(watch: Watch) -> None:
    """After a rollback the last answer still leads back to the rows it rests on."""
    answer = watch.serving.predict("rides", ROW)
    watch.serving.until_recorded("rides", answer["ids"][0])
    assert watch.client.post("endpoints/rides/rollback").status_code == 200
    watch.drain()
    watch.until_answered_by(1)
    with working(watch.drain):
        chain = watch.client.get(f"predictions/{answer['ids'][0]}/lineage").json()["links"]
    told = {link["noun"]: link for link in chain}
    assert told["model_version"]["subject"] == "models/rides/versions/3"
    assert told["dataset_version"]["subject"] == "datasets/rides/versions/2"
    assert told["promotion"]["headline"].startswith("applied: mae is")
    assert told["rollout"]["headline"].startswith("rolled_back on endpoint rides")


def test_broken_data_holds_retraining_back(watch: Watch) -> None:
    stuck = world(100, seed=10).with_columns(temp=pl.lit(-99.0))
    watch.replay(stuck)
    assert watch.tick()["verdict"] == "broken"
    assert watch.alerts()["broken_data"] == "open"
    assert [refusal["rule"] for refusal in watch.events("RetrainRefused")] == ["broken_data"]
    assert watch.events("RetrainStarted") == []


def test_a_tick_without_news_changes_nothing(watch: Watch) -> None:
    watch.replay(moved(100, seed=11), truth=False)
    watch.tick()
    before = len(watch.client.get("events", params={"limit": 500}).json()["items"])
    watch.tick()
    assert len(watch.client.get("events", params={"limit": 500}).json()["items"]) == before


def test_rows_too_few_for_a_window_wait_for_more(watch: Watch) -> None:
    watch.replay(world(60, seed=10))
    watch.look()
    assert watch.windows() == []
    watch.replay(world(60, seed=11))
    assert watch.tick()["rows"] == 120


def test_a_window_over_a_switch_is_about_the_version_that_answered_most(watch: Watch) -> None:
    watch.replay(world(40, seed=10))
    train_version(watch.client, watch.drain, features=["temp", "hour"], seed=3)
    with_both = {"gates": [{"gate": "metric", "metric": "mae", "max": 20}]}
    assert watch.client.put("models/rides/policy", json=with_both).status_code == 200
    watch.drain()
    assert promote(watch.client, watch.drain, 2)["state"] == "applied"
    watch.until_answered_by(2)
    watch.replay(world(90, seed=11))
    window = watch.tick()
    assert window["version"] == 2
    assert window["drift"]["rows"] < window["rows"]
