"""Walk: a version takes over by evidence, through real doors: the API, serving, the jobs and the watcher."""

from collections.abc import Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from adapters.runtime import Runtime
from tests.conftest import Drain
from tests.flows.plane import Plane, plane, promote, set_out, train_version, world
from tests.training_data import make_dataset
from workers.toolbox import Toolbox
from workers.watcher import Watcher

ANYTHING_PASSES: dict[str, Any] = {"gates": [{"gate": "metric", "metric": "mae", "max": 1e6}], "approval": "automatic"}


@pytest.fixture
def serving(runtime: Runtime, client: httpx.Client, drain: Drain) -> Iterator[Plane]:
    """The data plane, with a good first version live at endpoint `rides`; gates let everything through."""
    set_out(client, drain, train={})
    assert client.put("models/rides/policy", json=ANYTHING_PASSES).status_code == 200
    with plane(runtime) as opened:
        assert promote(client, drain, 1)["state"] == "applied"
        yield opened


@pytest.fixture
def watcher(tools: Toolbox) -> Watcher:
    return Watcher(tools, keep_seconds=0.0, truth_seconds=0.0)


def shuffled(client: httpx.Client, drain: Drain, number: int) -> None:
    """Trains a version on labels that say nothing."""
    rows = world(400, seed=1)
    make_dataset(client, drain, "nonsense", rows.with_columns(pl.col("rides").shuffle(seed=3)))
    train_version(client, drain, dataset="nonsense")
    assert client.get(f"models/rides/versions/{number}").status_code == 200


def newest(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("endpoints/rides/rollouts").json()["items"][0]
    return found


def live(client: httpx.Client) -> int | None:
    found: int | None = client.get("endpoints/rides").json()["live_version"]
    return found


def asked(serving: Plane, rows: pl.DataFrame) -> list[str]:
    """One request for each row; the ids, once they are recorded."""
    requests = [rows[place].drop("rides") for place in range(rows.height)]
    ids = [serving.predict("rides", one, refresh=one is requests[0])["ids"][0] for one in requests]
    serving.until_recorded("rides", ids[-1])
    return ids


def label(client: httpx.Client, ids: list[str], rows: pl.DataFrame) -> None:
    items = [{"id": one, "value": value} for one, value in zip(ids, rows["rides"], strict=True)]
    assert client.post("endpoints/rides/ground-truth", json={"items": items}).status_code == 200


class TestValidation:
    def test_replays_recorded_rows_and_knows_how_far_the_two_differ(
        self, serving: Plane, client: httpx.Client, drain: Drain
    ) -> None:
        rows = world(60, seed=7)
        serving.until_recorded("rides", serving.predict("rides", rows.drop("rides"))["ids"][-1])
        train_version(client, drain, seed=5)
        promote(client, drain, 2)
        probe = newest(client)["probe"]
        assert (probe["rows"], probe["source"], probe["recorded_by_itself"]) == (60, "recorded rows", 0)
        assert probe["expected"]["disagreement"] == 0.0
        assert (len(probe["bins"]), probe["tolerance"] > 0) == (9, True)

        shuffled(client, drain, 3)
        promote(client, drain, 3)
        assert newest(client)["probe"]["expected"]["disagreement"] > 0.5
        # Version 1 has answered these very rows: it has to say the same again.
        client.post("endpoints/rides/rollouts", json={"version": 1})
        drain()
        probe = newest(client)["probe"]
        assert (probe["recorded_by_itself"], live(client)) == (60, 1)

    def test_takes_test_rows_where_the_recorded_ones_lack_what_is_not_kept(
        self, serving: Plane, client: httpx.Client, drain: Drain
    ) -> None:
        serving.until_recorded("rides", serving.predict("rides", world(60, seed=7).drop("rides"))["ids"][-1])
        settings = {"redact": ["temp"], "extra_columns": "record"}
        assert client.put("endpoints/rides", json={"model": "rides", "settings": settings}).status_code == 200
        train_version(client, drain, seed=5)
        promote(client, drain, 2)
        assert (newest(client)["probe"]["source"], live(client)) == ("test rows", 2)

    def test_a_version_that_asks_for_what_callers_do_not_send_never_answers(
        self, serving: Plane, client: httpx.Client, drain: Drain
    ) -> None:
        train_version(client, drain, features=["temp"])
        promote(client, drain, 2)
        rows = world(60, seed=7).select("temp")
        serving.until_recorded("rides", serving.predict("rides", rows)["ids"][-1])
        client.post("endpoints/rides/rollouts", json={"version": 1})
        drain()
        refused = newest(client)
        assert (refused["state"], live(client)) == ("aborted", 2)
        assert "60 of 60 recorded rows do not fit its signature" in refused["reason"]
        assert set(refused["probe"]["failing_rows"][0]["row"]) == {"temp"}


class TestLateLabels:
    def test_roll_back_what_turns_out_wrong_and_spare_what_a_new_world_makes_wrong(
        self, serving: Plane, client: httpx.Client, drain: Drain, watcher: Watcher
    ) -> None:
        train_version(client, drain, seed=5)
        promote(client, drain, 2)
        elsewhere = world(150, seed=8, slope=9.0)
        label(client, asked(serving, elsewhere), elsewhere)
        judge(watcher, drain)
        spared = newest(client)
        assert (spared["state"], spared["analysis"]["late"]["verdict"]) == ("switched", "pass")
        assert spared["analysis"]["late"]["candidate"] == spared["analysis"]["late"]["control"] > 0.9

        shuffled(client, drain, 3)
        promote(client, drain, 3)
        assert live(client) == 3
        rows = world(150, seed=9)
        label(client, asked(serving, rows), rows)
        judge(watcher, drain)
        ended = newest(client)
        assert (ended["version"], ended["state"], live(client)) == (3, "rolled_back", 2)
        assert "wrong" in ended["reason"]
        assert client.get("models/rides").json()["aliases"]["champion"] == 2


def judge(watcher: Watcher, drain: Drain) -> None:
    """Ask for the join, do it, judge what came of it."""
    watcher.look()
    drain()
    watcher.look()
