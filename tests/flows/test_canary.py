"""Walk: candidates with and without faults that show only on live requests, on trial in a real data plane.

The watcher looks when the test says so; requests are real ones, and serving itself counts them.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import onnx
import polars as pl
import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import StoreUnavailable
from adapters.runtime import Runtime
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from tests.conftest import Drain, SteppingClock
from tests.domain.deployments.versions import ANN
from tests.flows.candidates import (
    CONSTANT,
    EQUAL,
    FAILING,
    GOOD,
    NOT_A_NUMBER,
    SHUFFLED,
    SLOW,
    add_candidate,
    add_model,
    pass_gates,
)
from tests.flows.plane import Plane, plane
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox
from workers.watcher import Watcher

STEP: dict[str, Any] = {"share": 0.5, "max_seconds": 600.0}
CANARY: dict[str, Any] = {
    "strategy": "canary",
    "steps": [STEP],
    # What is shown to be equal has to be told from noise on a busy machine.
    "analysis": {"min_samples": 60, "alpha": 0.02, "mirror": 1.0, "latency_ratio": 4.0, "max_disagreement": 0.2},
}


class Trial:
    """Endpoint `e` of model `m`, and who decides about it."""

    def __init__(self, runtime: Runtime, client: httpx.Client, drain: Drain, watcher: Watcher) -> None:
        self.runtime = runtime
        self.client = client
        self.drain = drain
        self.watcher = watcher

    def begin(self, nodes: list[onnx.NodeProto], strategy: dict[str, Any]) -> dict[str, Any]:
        """Puts a version on trial; the rollout as it stands then."""
        assert self.client.put("endpoints/e", json={"model": "m", "strategy": strategy}).status_code == 200
        pass_gates(self.runtime, add_candidate(self.runtime, nodes))
        self.drain()
        found = self.newest()
        assert found["state"] in {"canary", "shadowing", "testing"}, found["reason"]
        return found

    def newest(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("endpoints/e/rollouts").json()["items"][0]
        return found

    def live(self) -> tuple[int | None, int | None]:
        """The version that answers, and the champion."""
        answering = self.client.get("endpoints/e").json()["live_version"]
        return answering, self.client.get("models/m").json()["aliases"]["champion"]

    def until_decided(self, serving: Plane, *, most: float = 10.0, rounds: int = 20) -> dict[str, Any]:
        """Requests and looks in turn, until the rollout is no longer where it was."""
        began = self.newest()
        for turn in range(rounds):
            ask(serving, 80, most=most, seed=turn)
            serving.until_counted()
            self.watcher.look()
            found = self.newest()
            if (found["state"], found["step"]) != (began["state"], began["step"]):
                return found
        raise AssertionError(f"no decision: {self.newest()['analysis']}")


@pytest.fixture
def trial(runtime: Runtime, client: httpx.Client, drain: Drain, tools: Toolbox) -> Trial:
    """A good version answers."""
    with runtime.transaction(ANN) as session:
        add_model(session)
        put_endpoint(session, name="e", model="m", settings=EndpointSettings())
    pass_gates(runtime, add_candidate(runtime, GOOD))
    drain()
    return Trial(runtime, client, drain, Watcher(tools, keep_seconds=0.0, truth_seconds=0.0))


@pytest.fixture
def serving(trial: Trial) -> Iterator[Plane]:
    with plane(trial.runtime) as opened:
        yield opened


def ask(serving: Plane, times: int, *, most: float = 10.0, seed: int = 0) -> list[tuple[str, int, float]]:
    """So many requests with one row each: id, version and x. None of them fails."""
    draw = random.Random(seed)
    told = []
    for turn in range(times):
        x = draw.uniform(0.0, most)
        answer = serving.predict("e", pl.DataFrame({"x": [x]}), refresh=turn == 0)
        told.append((answer["ids"][0], answer["model_version"], x))
    return told


class TestFaulty:
    @pytest.mark.parametrize(
        ("nodes", "most", "finding"),
        [
            pytest.param(FAILING, 12.0, "faults", id="fails"),
            pytest.param(NOT_A_NUMBER, 12.0, "strange", id="nan"),
            pytest.param(SLOW, 10.0, "latency", id="slow"),
            pytest.param(CONSTANT, 10.0, "disagreement", id="constant"),
            pytest.param(SHUFFLED, 10.0, "disagreement", id="shuffled"),
        ],
    )
    def test_is_rolled_back_by_itself_and_no_caller_notices(
        self, trial: Trial, serving: Plane, nodes: list[onnx.NodeProto], most: float, finding: str
    ) -> None:
        trial.begin(nodes, CANARY)
        ended = trial.until_decided(serving, most=most)
        assert ended["state"] == "rolled_back"
        assert finding in {one["name"] for one in ended["analysis"]["findings"] if one["verdict"] == "fail"}
        assert ended["reason"].startswith(("The candidate", "The two disagree"))
        assert trial.live() == (1, 1)
        assert {version for _, version, _ in ask(serving, 20)} == {1}

    @pytest.mark.parametrize("nodes", [CONSTANT, SHUFFLED], ids=["constant", "shuffled"])
    def test_that_guesses_does_not_begin_unless_that_is_wished(
        self, trial: Trial, serving: Plane, nodes: list[onnx.NodeProto]
    ) -> None:
        ask(serving, 120)
        serving.until_recorded("e", ask(serving, 1)[0][0])
        trial.client.put("endpoints/e", json={"model": "m", "strategy": {"strategy": "canary"}})
        pass_gates(trial.runtime, add_candidate(trial.runtime, nodes))
        trial.drain()
        found = trial.newest()
        assert found["state"] == "aborted"
        assert "one that had not seen them would on" in found["reason"]
        assert trial.live() == (1, 1)


class TestEqual:
    def test_passes_every_step_and_switches_though_everything_is_restarted(self, trial: Trial, tools: Toolbox) -> None:
        with plane(trial.runtime) as first:
            trial.begin(EQUAL, CANARY | {"steps": [STEP, STEP | {"share": 0.6}]})
            ask(first, 50)
        with plane(trial.runtime) as second:  # what the first one counted is in the store
            trial.watcher = Watcher(tools)
            stepped = trial.until_decided(second)
            assert (stepped["state"], stepped["step"], trial.live()) == ("canary", 1, (1, 1))
            trial.drain()  # the routes are written once more, and nothing else
            trial.watcher = Watcher(tools)
            done = trial.until_decided(second)
            assert (done["state"], trial.live()) == ("switched", (2, 2))
            assert {version for _, version, _ in ask(second, 20)} == {2}
        assert [moment["state"] for moment in done["history"]] == ["verifying", "canary", "canary", "switched"]

    def test_stays_on_trial_when_the_worker_stumbles_after_it_began(
        self, trial: Trial, tools: Toolbox, clock: SteppingClock
    ) -> None:
        class Stumbling(LocalStore):
            """Does not take the routes that begin the trial, once."""

            stumbled = False

            def put(self, key: str, data: bytes) -> None:
                if key.startswith("routes/") and b'"rollout_id"' in data and not self.stumbled:
                    self.stumbled = True
                    raise StoreUnavailable("The store is away.", where=key)
                super().put(key, data)

        assert trial.client.put("endpoints/e", json={"model": "m", "strategy": CANARY}).status_code == 200
        pass_gates(trial.runtime, add_candidate(trial.runtime, EQUAL))
        store = Stumbling(Path(trial.runtime.settings.model_store_url.removeprefix("file://")))
        stumbling = replace(tools, runtime=replace(trial.runtime, models=store))
        job_id = trial.newest()["job_id"]
        run_job(job_id, tools=stumbling, handlers=HANDLERS, worker="w", stop_work=lambda: None)
        assert (store.stumbled, trial.newest()["state"]) == (True, "canary")
        clock.advance(300)
        trial.drain()
        assert (trial.client.get(f"jobs/{job_id}").json()["state"], trial.newest()["state"]) == ("succeeded", "canary")
        assert b'"rollout_id"' in trial.runtime.models.get("routes/e.json")

    def test_pauses_without_requests_and_a_person_has_the_last_word(self, trial: Trial, clock: SteppingClock) -> None:
        rollout = trial.begin(EQUAL, CANARY)
        clock.advance(601)
        trial.watcher.look()
        paused = trial.newest()
        assert (paused["state"], trial.live()) == ("paused", (1, 1))
        assert "came to no verdict within 600 s" in paused["reason"]
        advanced = trial.client.post(f"rollouts/{rollout['id']}/advance", json={"step": 0})
        assert (advanced.json()["state"], trial.live()) == ("switched", (2, 2))

    def test_in_the_shadow_answers_nobody_and_waits_for_a_person(self, trial: Trial, serving: Plane) -> None:
        shadow = {"strategy": "shadow", "min_samples": 40, "then": "pause", "analysis": CANARY["analysis"]}
        trial.begin(EQUAL, shadow)
        assert {version for _, version, _ in ask(serving, 20)} == {1}
        paused = trial.until_decided(serving)
        assert (paused["state"], trial.live()) == ("paused", (1, 1))
        assert "passed" in paused["reason"]


class TestLabels:
    @pytest.mark.parametrize(
        ("strategy", "times"), [(CANARY, 200), ({"strategy": "shadow"}, 120)], ids=["canary", "shadow"]
    )
    def test_tell_on_trial_which_one_is_wrong(
        self, trial: Trial, serving: Plane, strategy: dict[str, Any], times: int
    ) -> None:
        """All else is allowed: only the truth speaks against it."""
        lenient = CANARY["analysis"] | {"max_disagreement": 1.0, "max_shift": 1.0, "min_samples": 5_000}
        trial.begin(SHUFFLED, strategy | {"analysis": lenient})
        told = ask(serving, times)
        serving.until_recorded("e", told[-1][0])
        serving.until_counted()
        items = [{"id": one, "value": "yes" if x > 5 else "no"} for one, _, x in told]
        assert trial.client.post("endpoints/e/ground-truth", json={"items": items}).status_code == 200
        trial.watcher.look()
        trial.drain()
        trial.watcher.look()
        ended = trial.newest()
        assert (ended["state"], trial.live()) == ("rolled_back", (1, 1)), ended["quality"]
        assert ended["reason"].startswith("Of the answers whose truth is known the candidate's are wrong in")
