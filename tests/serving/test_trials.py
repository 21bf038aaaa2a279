"""A rollout on trial in the data plane: what is counted, who stands in for a candidate that fails, and copies."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from httpx import Response
from prometheus_client import CollectorRegistry

from domain.deployments.evidence import StepCounts, total
from domain.deployments.specs import Trial, TrialCounts
from domain.errors import Invalid
from ml.encoding import Extra
from ml.models import Predictions
from serving.app import ServingApp, create_app, running
from serving.arms import Tally
from serving.engine import Engine, Loaded, RowModel
from serving.errors import ModelFailed
from serving.metrics import ServingMetrics
from serving.packages import PackageCache
from serving.recorder import Recorder
from serving.table import RouteTable
from serving.trials import Trials
from tests.serving.conftest import Client
from tests.serving.plants import ROW, TOKEN, MovableStore, admit, eventually, expected, regression_package, route
from workers.traffic import list_segments, read_segments

CANARY = Trial(rollout_id="r1", step=0, control=1, candidate=2)
Odd = Callable[[Predictions], Predictions]


class OddModel:
    """A model that does something to its answers, or instead of them."""

    def __init__(self, model: RowModel, odd: Odd) -> None:
        self.package = model.package
        self.signature = model.signature
        self._model = model
        self._odd = odd

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return self._odd(self._model.predict(instances, extra=extra))


class OddEngine(Engine):
    """An engine in which some packages are odd, by digest."""

    def __init__(self, cache: PackageCache) -> None:
        super().__init__(cache)
        self.odd: dict[str, Odd] = {}
        self.quick = True
        self._found: dict[str, Loaded] = {}

    def load(self, digest: str) -> Loaded:
        good = super().load(digest)
        if digest not in self.odd:
            return good
        model = OddModel(good.model, self.odd[digest])
        return self._found.setdefault(digest, Loaded(digest, model, quick=self.quick, threads=ThreadPoolExecutor(2)))


def failing(_: Predictions) -> Predictions:
    raise ModelFailed("It died.")


def refusing(_: Predictions) -> Predictions:
    raise Invalid("It wants another column.", where="instances/0")


def strange(found: Predictions) -> Predictions:
    return Predictions([math.nan] * len(found.values))


def sleeping(seconds: float) -> Odd:
    def odd(found: Predictions) -> Predictions:
        time.sleep(seconds)
        return found

    return odd


class Plane:
    """A data plane on which a trial of version 2 against version 1 is under way."""

    def __init__(self, store: MovableStore, cache: Path) -> None:
        self.store = store
        metrics = ServingMetrics(CollectorRegistry())
        self.engine = OddEngine(PackageCache(store, cache))
        recorder = Recorder(store, metrics, flush_seconds=0.05)
        self.trials = Trials(store, recorder, write_seconds=0.02)
        self.table = RouteTable(store, self.engine, metrics, self.trials, poll_seconds=0.02)
        self.app: ServingApp = create_app(self.table, self.engine, recorder, metrics)
        self.revision = 0
        admit(store, TOKEN)
        self.one, self.two = regression_package(store, 1), regression_package(store, 2)

    def canary(self, trial: Trial | None = CANARY, **settings: Any) -> None:
        self.revision += 1
        route(self.store, "bikes", self.revision, (1, self.one), (2, self.two), trial=trial, **settings)
        self.table.refresh()

    def shadow(self, mirror: float = 1.0, **settings: Any) -> None:
        self.revision += 1
        trial = CANARY.model_copy(update={"mirror": mirror, "bins": [1500.0]})
        route(self.store, "bikes", self.revision, (1, self.one), standby=[(2, self.two)], trial=trial, **settings)
        self.table.refresh()

    def counts(self, step: int = 0) -> StepCounts:
        found = [info.key for info in self.store.list(f"trials/r1/{step}")]
        return total([TrialCounts.model_validate_json(self.store.get(key)) for key in found], share=0.5, mirror=0.0)


@pytest.fixture
def plane(store: MovableStore, tmp_path: Path) -> Plane:
    return Plane(store, tmp_path / "cache")


@pytest.fixture
def client(plane: Plane) -> Iterator[Client]:
    with asyncio.Runner() as runner:
        serving = running(plane.app)
        runner.run(serving.__aenter__())
        try:
            yield Client(plane.app, runner)
        finally:
            runner.run(serving.__aexit__(None, None, None))


def ask(client: Client, row: dict[str, Any] = ROW, *, key: str | None = None) -> Response:
    headers = {} if key is None else {"X-Routing-Key": key}
    return client.post("/serve/bikes/predict", json={"instances": [row]}, headers=headers)


class TestCounts:
    def test_counts_both_versions_into_the_store(self, plane: Plane, client: Client) -> None:
        plane.canary(CANARY.model_copy(update={"bins": [0.0, 1500.0]}))
        answers = [ask(client).headers["x-model-version"] for _ in range(40)]
        eventually(lambda: plane.counts().drawn == 40)
        found = plane.counts()
        assert (found.control.requests, found.candidate.requests) == (answers.count("1"), answers.count("2"))
        assert found.control.answers == {"1": answers.count("1")}
        assert found.candidate.answers == {"2": answers.count("2")}
        assert sum(found.control.latency) == found.control.requests
        assert (found.control.faults, found.candidate.faults) == (0, 0)

    def test_counts_nothing_without_a_trial(self, plane: Plane, client: Client) -> None:
        plane.canary(None)
        assert ask(client).status_code == 200
        plane.trials.write()
        assert list(plane.store.list("trials/")) == []

    def test_does_not_count_what_callers_do_wrong(self, plane: Plane, client: Client) -> None:
        plane.canary()
        for _ in range(20):
            assert ask(client, {"hour": "late"}).status_code == 422
        plane.trials.write()
        assert (plane.counts().drawn, plane.counts().candidate.faults) == (0, 0)

    def test_counts_a_caller_that_sticks_to_a_version_once(self, plane: Plane, client: Client) -> None:
        plane.canary()
        for key in ("ann", "bob", "cy") * 4:
            ask(client, key=key)
        plane.trials.write()
        assert plane.counts().drawn == 3

    def test_counts_answers_that_are_no_numbers(self, plane: Plane, client: Client) -> None:
        plane.engine.odd[plane.two] = strange
        plane.canary()
        for _ in range(20):
            assert ask(client).status_code == 200
        plane.trials.write()
        found = plane.counts().candidate
        assert 0 < found.strange == found.requests
        assert found.answers == {}

    def test_goes_on_counting_when_only_the_settings_change(self, plane: Plane, client: Client) -> None:
        plane.canary()
        ask(client)
        plane.canary(record=False)
        ask(client)
        plane.trials.write()
        assert plane.counts().drawn == 2

    def test_the_next_step_is_counted_apart_and_the_last_one_stays(self, plane: Plane, client: Client) -> None:
        plane.canary()
        ask(client)
        plane.canary(CANARY.model_copy(update={"step": 1}))
        ask(client)
        ask(client)
        plane.canary(None)
        ask(client)
        plane.trials.write()
        assert (plane.counts(0).drawn, plane.counts(1).drawn) == (1, 2)

    def test_each_start_counts_under_a_name_of_its_own(self, plane: Plane, tmp_path: Path) -> None:
        assert plane.trials.instance != Plane(plane.store, tmp_path / "cache").trials.instance

    def test_keeps_counts_while_the_store_is_away(self, plane: Plane, client: Client) -> None:
        plane.canary()
        plane.store.away = True
        for _ in range(5):
            assert ask(client).status_code == 200
        plane.trials.write()
        plane.store.away = False
        eventually(lambda: plane.counts().drawn == 5)


class TestStandIn:
    @pytest.mark.parametrize("odd", [failing, refusing])
    def test_a_failing_candidate_costs_nobody_an_answer(self, plane: Plane, client: Client, odd: Odd) -> None:
        plane.engine.odd[plane.two] = odd
        plane.canary()
        for _ in range(30):
            response = ask(client)
            assert response.headers["x-model-version"] == "1"
            assert response.json()["predictions"] == [expected(ROW, 1)]
        plane.trials.write()
        found = plane.counts()
        assert 0 < found.candidate.faults == found.candidate.requests
        assert found.drawn == 30
        assert found.control.faults == 0

    def test_each_caller_with_a_key_counts_as_one_fault(self, plane: Plane, client: Client) -> None:
        plane.engine.odd[plane.two] = failing
        plane.canary()
        for key in range(12):
            for _ in range(2):
                assert ask(client, key=str(key)).status_code == 200
        plane.trials.write()
        found = plane.counts()
        assert 0 < found.candidate.faults == found.candidate.requests < 12
        assert found.drawn == 12

    def test_a_hanging_candidate_leaves_the_control_time_to_answer(self, plane: Plane, client: Client) -> None:
        plane.engine.odd[plane.two], plane.engine.quick = sleeping(0.35), False
        plane.canary(deadline_ms=400)
        took = []
        for _ in range(6):
            began = time.monotonic()
            assert ask(client).headers["x-model-version"] == "1"
            took.append(time.monotonic() - began)
        assert max(took) < 0.35
        time.sleep(0.4)  # the late answers are there by now, and count no more
        plane.trials.write()
        found = plane.counts()
        assert found.candidate.faults == found.candidate.requests
        assert found.drawn == 6

    def test_nobody_stands_in_for_the_control(self, plane: Plane, client: Client) -> None:
        plane.engine.odd[plane.one] = plane.engine.odd[plane.two] = failing
        plane.canary()
        assert {ask(client).status_code for _ in range(20)} == {503}
        plane.trials.write()
        found = plane.counts()
        assert (found.control.faults, found.candidate.faults) == (found.control.requests, found.candidate.requests)
        assert found.drawn == 20


class TestMirror:
    def test_asks_the_candidate_and_compares(self, plane: Plane, client: Client) -> None:
        plane.shadow()
        ids = {ask(client).json()["ids"][0] for _ in range(8)}
        eventually(lambda: plane.counts().mirrored.requests == 8)
        found = plane.counts()
        assert (found.control.requests, found.candidate.requests) == (8, 0)
        assert (found.mirrored.disagreements, found.mirrored.answers) == (8, {"1": 8})
        eventually(lambda: len(rows(plane, "shadows")) == 8)
        shadows = rows(plane, "shadows")
        assert set(shadows["id"]) == ids
        assert set(shadows["mode"]) == {"shadow"}
        assert set(shadows["version"]) == {2}
        assert set(shadows["prediction"]) == {expected(ROW, 2)}

    def test_copies_are_no_predictions(self, plane: Plane, client: Client) -> None:
        plane.shadow()
        for _ in range(3):
            ask(client)
        eventually(lambda: len(rows(plane, "shadows")) == 3)
        live = read_segments(plane.store, [segment.key for segment in list_segments(plane.store, "bikes")])
        assert (len(live), set(live["mode"]), set(live["version"])) == (3, {"live"}, {1})

    def test_agrees_within_the_tolerance(self, plane: Plane, client: Client) -> None:
        plane.two = plane.one
        plane.shadow()
        ask(client)
        eventually(lambda: plane.counts().mirrored.requests == 1)
        assert plane.counts().mirrored.disagreements == 0

    def test_only_a_share_is_copied(self, plane: Plane, client: Client) -> None:
        plane.shadow(mirror=0.3)
        for _ in range(60):
            ask(client)
        time.sleep(0.2)
        plane.trials.write()
        assert 3 <= plane.counts().mirrored.requests + plane.counts().mirrored.dropped <= 40

    @pytest.mark.parametrize("odd", [failing, refusing])
    def test_faults_are_counted_and_nobody_is_told(self, plane: Plane, client: Client, odd: Odd) -> None:
        plane.engine.odd[plane.two] = odd
        plane.shadow()
        assert {ask(client).status_code for _ in range(5)} == {200}
        eventually(lambda: plane.counts().mirrored.faults == 5)
        assert plane.counts().mirrored.disagreements == 0

    def test_a_slow_candidate_is_seen_beside_the_control(self, plane: Plane, client: Client) -> None:
        plane.engine.odd[plane.two] = sleeping(0.002)
        plane.shadow()
        for _ in range(60):
            ask(client)
        eventually(lambda: plane.counts().mirrored.slower >= 2)
        assert plane.counts().mirrored.slower > plane.counts().mirrored.timed / 2

    def test_copies_that_nobody_has_time_for_are_dropped_and_counted(self, plane: Plane, client: Client) -> None:
        go_on = threading.Event()

        def waiting(found: Predictions) -> Predictions:
            go_on.wait(10)
            return found

        plane.engine.odd[plane.two] = waiting
        plane.shadow(record=False)
        try:
            for _ in range(300):
                assert ask(client).status_code == 200
            plane.trials.write()
            found = plane.counts()
            assert found.control.requests == 300
            assert 0 < found.mirrored.dropped < 300
        finally:
            go_on.set()

    def test_records_no_copies_where_nothing_is_recorded(self, plane: Plane, client: Client) -> None:
        plane.shadow(record=False)
        ask(client)
        eventually(lambda: plane.counts().mirrored.requests == 1)
        time.sleep(0.1)
        assert list(plane.store.list("shadows/")) == []


class TestTally:
    NUMBERS = Tally(CANARY.model_copy(update={"bins": [0.0, 10.0], "tolerance": 0.5}), numbers=True)
    LABELS = Tally(CANARY, numbers=False)

    @pytest.mark.parametrize(("value", "name"), [(-1.0, "0"), (0.0, "1"), (9.9, "1"), (10.0, "2"), (math.inf, "2")])
    def test_names_numbers_by_their_place(self, value: float, name: str) -> None:
        assert self.NUMBERS.name(value) == name

    @pytest.mark.parametrize(("label", "name"), [("cat", "cat"), (True, "true"), (3, "3")])
    def test_names_labels_as_segments_do(self, label: str | int, name: str) -> None:
        assert self.LABELS.name(label) == name

    @pytest.mark.parametrize(
        ("one", "other", "differ"),
        [
            (1.0, 1.5, False), (1.0, 1.6, True), (math.nan, math.nan, False), (math.nan, 1.0, True),
            (math.inf, math.inf, False), (math.inf, 1.0, True), (math.inf, -math.inf, True),
        ],
    )  # fmt: skip
    def test_numbers_differ_beyond_the_tolerance(self, one: float, other: float, differ: bool) -> None:
        assert self.NUMBERS.differ(one, other) is differ

    def test_labels_differ_by_what_they_say(self) -> None:
        assert self.LABELS.differ("cat", "dog")
        assert not self.LABELS.differ("cat", "cat")


def rows(plane: Plane, folder: str) -> pl.DataFrame:
    return read_segments(plane.store, [info.key for info in plane.store.list(f"{folder}/bikes")])
