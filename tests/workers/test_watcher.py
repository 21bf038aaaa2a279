"""The watcher, look by look: what it does about what serving has counted, and about what it cannot read."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import StoreUnavailable
from adapters.runtime import Runtime
from domain.datasets.queries import get_version as data_version
from domain.deployments import service, steps
from domain.deployments.course import Point
from domain.deployments.models import Rollout
from domain.deployments.progress import Move
from domain.deployments.queries import active_rollout, course_of, get_endpoint, get_rollout
from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts, EndpointSettings, MirrorCounts, Routes, TrialCounts
from domain.deployments.strategies import Analysis, Canary, CanaryStep, Strategy
from domain.jobs.models import Job
from domain.monitoring.service import add_truth
from domain.monitoring.specs import TruthItem
from domain.registry.queries import alias_of, get_model, get_version
from domain.registry.service import add_version, move_alias
from tests.conftest import SteppingClock
from tests.domain.deployments.versions import ANN, add_versions, decide, request
from tests.finished_runs import finished_run
from workers.toolbox import Toolbox
from workers.watcher import Watcher

PROBE: dict[str, Any] = {"rows": 9, "expected": {"rows": 500, "disagreement": 0.0, "chance": 0.5, "shift": 0.0}}
EAGER = Analysis(min_samples=20, mirror=0.5)
CANARY = Canary(
    strategy="canary",
    steps=[CanaryStep(share=0.5, max_seconds=60), CanaryStep(share=0.8, max_seconds=60)],
    analysis=EAGER,
)


@pytest.fixture
def watcher(tools: Toolbox) -> Watcher:
    return Watcher(tools, keep_seconds=0.0, truth_seconds=0.0)


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    """Endpoint `e`, whose version 1 answers, of two."""
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)
        service.put_endpoint(session, name="e", model="m", settings=EndpointSettings())
    on_trial(runtime, 1)


def on_trial(runtime: Runtime, number: int, strategy: Strategy | None = None) -> str:
    with runtime.transaction(ANN) as session:
        service.put_endpoint(session, name="e", model="m", settings=EndpointSettings(), strategy=strategy)
        promotion_id = request(session, number)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    with runtime.transaction(ANN) as session:
        begun = active_rollout(session, get_endpoint(session, "e").id)
        assert begun is not None
        service.loaded(session, rollout_id=begun.id)
        steps.prove(session, rollout_id=begun.id, probe=PROBE)
        return begun.id


def arm(requests: int, *, faults: int = 0, strange: int = 0, slow: bool = False, only: bool = False) -> ArmCounts:
    times = [0] * (len(LATENCY_EDGES_US) + 1)
    times[30 if slow else 10] = requests - faults
    answered = requests - faults - strange
    answers = {"yes": answered} if only else {"yes": answered // 2, "no": answered - answered // 2}
    return ArmCounts(requests=requests, faults=faults, strange=strange, latency=times, answers=answers)


def counted(
    runtime: Runtime,
    rollout_id: str,
    *,
    step: int = 0,
    instance: str = "a",
    control: ArmCounts,
    candidate: ArmCounts,
    disagreements: int = 0,
) -> None:
    """What a serving process writes."""
    mirrored = control.requests // 2
    mirror = MirrorCounts(
        requests=mirrored,
        disagreements=disagreements,
        timed=mirrored,
        answers={"yes": mirrored // 2, "no": mirrored // 2},
    )
    counts = TrialCounts(
        instance=instance,
        at=0.0,
        rollout_id=rollout_id,
        step=step,
        control=control,
        candidate=candidate,
        mirror=mirror,
    )
    runtime.models.put(f"trials/{rollout_id}/{step}/{instance}.json", counts.model_dump_json().encode())


def found(runtime: Runtime, rollout_id: str) -> Rollout:
    with runtime.reading() as session:
        return get_rollout(session, rollout_id)


def course(runtime: Runtime, rollout_id: str) -> list[Point]:
    with runtime.reading() as session:
        return course_of(get_rollout(session, rollout_id))


def written(runtime: Runtime) -> Routes:
    return Routes.model_validate_json(runtime.models.get("routes/e.json"))


def shares(runtime: Runtime) -> dict[int, float]:
    return {target.version: target.share for target in written(runtime).targets if target.role == "live"}


def champion(runtime: Runtime) -> int | None:
    with runtime.reading() as session:
        alias = alias_of(session, get_model(session, "m"), "champion")
        return alias.number if alias else None


class TestHealthy:
    def test_goes_step_by_step_to_the_switch(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        watcher.look()
        assert (found(runtime, rollout_id).state, found(runtime, rollout_id).step) == ("canary", 1)
        assert shares(runtime) == {1: pytest.approx(0.2), 2: 0.8}
        watcher.look()  # nobody has asked at the second step yet
        assert found(runtime, rollout_id).step == 1
        counted(runtime, rollout_id, step=1, control=arm(1_000), candidate=arm(4_000))
        watcher.look()
        assert (found(runtime, rollout_id).state, shares(runtime), champion(runtime)) == ("switched", {2: 1.0}, 2)

    def test_is_summed_over_serving_processes(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        for instance in ("a", "b"):
            counted(runtime, rollout_id, instance=instance, control=arm(7), candidate=arm(9))
        watcher.look()
        analysis = found(runtime, rollout_id).analysis
        assert analysis is not None
        assert analysis["requests"] == {"control": 14, "candidate": 18, "mirrored": 6}
        assert (analysis["verdict"], bool(analysis["waits_for"])) == ("inconclusive", True)

    def test_without_requests_it_pauses_in_the_end_and_says_what_is_missing(
        self, runtime: Runtime, watcher: Watcher, clock: SteppingClock
    ) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        watcher.look()
        assert found(runtime, rollout_id).state == "canary"
        clock.advance(61)
        watcher.look()
        paused = found(runtime, rollout_id)
        assert (paused.state, champion(runtime)) == ("paused", 1)
        assert "came to no verdict within 60 s. 20 more requests of the candidate." in paused.reason

    def test_or_is_rolled_back_where_the_strategy_says_so(
        self, runtime: Runtime, watcher: Watcher, clock: SteppingClock
    ) -> None:
        rollout_id = on_trial(runtime, 2, CANARY.model_copy(update={"on_inconclusive": "roll_back"}))
        clock.advance(61)
        watcher.look()
        assert (found(runtime, rollout_id).state, shares(runtime)) == ("rolled_back", {1: 1.0})


class TestFaulty:
    @pytest.mark.parametrize(
        ("candidate", "disagreements", "said"),
        [
            (arm(200, faults=100), 0, "failed 100 of"),
            (arm(200, strange=100), 0, "answered NaN or infinity to"),
            (arm(1_000, slow=True), 0, "ms or more for 1,000 of 1,000"),
            (arm(1_000, only=True), 400, "disagree"),
        ],
    )
    def test_is_rolled_back_at_the_first_look_with_the_reason(
        self, runtime: Runtime, watcher: Watcher, candidate: ArmCounts, disagreements: int, said: str
    ) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        control = arm(candidate.requests)
        counted(runtime, rollout_id, control=control, candidate=candidate, disagreements=disagreements)
        watcher.look()
        failed = found(runtime, rollout_id)
        assert (failed.state, shares(runtime), champion(runtime)) == ("rolled_back", {1: 1.0}, 1)
        assert said in failed.reason
        assert written(runtime).trial is None

    def test_also_while_it_is_paused(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        with runtime.transaction(ANN) as session:
            steps.pause(session, rollout_id=rollout_id, reason="lunch")
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        watcher.look()
        assert found(runtime, rollout_id).state == "paused"
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000, faults=90))
        watcher.look()
        assert found(runtime, rollout_id).state == "rolled_back"

    def test_when_another_version_became_champion_meanwhile(self, runtime: Runtime, watcher: Watcher) -> None:
        strategy = CANARY.model_copy(update={"steps": CANARY.steps[:1]})
        rollout_id = on_trial(runtime, 2, strategy)
        with runtime.transaction(ANN) as session:
            model, first = get_model(session, "m"), get_version(session, "m", 1)
            third = add_version(session, model=model, run_id=finished_run(session, data_version(session, "d", 1)))
            move_alias(session, model=model, alias="champion", version=third, expected=first.id)
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        watcher.look()
        ended = found(runtime, rollout_id)
        assert (ended.state, shares(runtime)) == ("rolled_back", {1: 1.0})
        assert "champion" in ended.reason


class TestCourse:
    """What it keeps of each look, to be drawn."""

    def test_shows_the_bands_narrow_and_the_test_that_failed(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        watcher.look()
        counted(runtime, rollout_id, control=arm(10, faults=1), candidate=arm(10, faults=1))
        watcher.look()
        watcher.look()
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000, faults=90))
        watcher.look()
        nothing, few, last = course(runtime, rollout_id)
        assert (nothing.requests, nothing.bands) == (0, {})
        assert (few.requests, few.move, few.bands["faults"].low) == (20, None, None)
        assert (last.requests, last.step, last.move) == (4_000, 0, Move.ROLL_BACK)
        assert (last.bands["faults"].low or 0) > 1
        assert (last.bands["disagreement"].high or 1) < (few.bands["disagreement"].high or 1)

    def test_is_kept_at_once_where_many_requests_came_and_else_every_few_seconds(
        self, runtime: Runtime, tools: Toolbox
    ) -> None:
        watcher = Watcher(tools, keep_seconds=3_600)
        rollout_id = on_trial(runtime, 2, CANARY)
        for requests in (100, 101, 110):
            counted(runtime, rollout_id, control=arm(requests), candidate=arm(2))
            watcher.look()
        assert [one.requests for one in course(runtime, rollout_id)] == [102, 112]

    def test_goes_on_over_steps_and_late_labels(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        watcher.look()
        counted(runtime, rollout_id, step=1, control=arm(1_000), candidate=arm(4_000))
        watcher.look()
        part = {"share": None, "control_rows": 400, "control_wrong": 30, "candidate_rows": 400, "candidate_wrong": 300}
        with runtime.transaction() as session:
            steps.count_quality(session, rollout_id=rollout_id, quality={"parts": [part]})
        watcher.look()
        kept = [(one.step, one.requests, one.move) for one in course(runtime, rollout_id)]
        assert kept == [(0, 4_000, Move.STEP), (1, 9_000, Move.SWITCH), (2, 9_400, Move.ROLL_BACK)]
        assert (course(runtime, rollout_id)[-1].bands["quality"].low or 0) > 1.1


class TestTrouble:
    def test_a_new_watcher_goes_on_where_the_old_one_stopped(self, runtime: Runtime, tools: Toolbox) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        Watcher(tools).look()
        counted(runtime, rollout_id, step=1, control=arm(1_000), candidate=arm(4_000))
        Watcher(tools).look()
        assert found(runtime, rollout_id).state == "switched"

    def test_two_at_once_move_it_once(self, runtime: Runtime, tools: Toolbox) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        stop = threading.Event()
        watchers = [
            threading.Thread(target=Watcher(tools).run, args=(stop,), kwargs={"seconds": 0.001}) for _ in range(3)
        ]
        for one in watchers:
            one.start()
        wait_until(lambda: found(runtime, rollout_id).step == 1)
        stop.wait(0.1)
        counted(runtime, rollout_id, step=1, control=arm(1_000), candidate=arm(4_000, faults=900))
        wait_until(lambda: found(runtime, rollout_id).state == "rolled_back")
        stop.set()
        for one in watchers:
            one.join()
        assert [moment["state"] for moment in found(runtime, rollout_id).history] == [
            "verifying",
            "canary",
            "canary",
            "rolled_back",
        ]
        assert shares(runtime) == {1: 1.0}

    def test_counts_that_cannot_be_read_are_passed_over(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        runtime.models.put(f"trials/{rollout_id}/0/odd.json", b'{"instance": ')
        counted(runtime, rollout_id, control=arm(2_000), candidate=arm(2_000))
        watcher.look()
        assert found(runtime, rollout_id).step == 1

    def test_a_store_that_is_away_changes_nothing(self, runtime: Runtime, tools: Toolbox) -> None:
        class Away(LocalStore):
            def list(self, prefix: str = "") -> Any:
                raise StoreUnavailable("The store is away.", where=prefix)

        rollout_id = on_trial(runtime, 2, CANARY)
        away = replace(tools, runtime=replace(runtime, models=Away(Path(runtime.settings.home / "away"))))
        Watcher(away).look()
        assert found(runtime, rollout_id).state == "canary"

    def test_the_counts_of_what_is_over_are_swept(self, runtime: Runtime, watcher: Watcher) -> None:
        rollout_id = on_trial(runtime, 2, CANARY)
        counted(runtime, rollout_id, control=arm(2), candidate=arm(2))
        counted(runtime, "gone", control=arm(2), candidate=arm(2))
        watcher.sweep()
        assert [info.key for info in runtime.models.list("trials")] == [f"trials/{rollout_id}/0/a.json"]


def wait_until(holds: Any) -> None:
    for _ in range(500):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("did not happen in time")


class TestLabels:
    def test_new_ones_are_joined_by_one_job(self, runtime: Runtime, tools: Toolbox) -> None:
        on_trial(runtime, 2, CANARY)
        watchers = [Watcher(tools, truth_seconds=0.0) for _ in range(2)]
        for watcher in watchers:
            watcher.look()
        assert quality_jobs(runtime) == 0
        for value in (1.0, 1.0, 2.0):
            with runtime.transaction(ANN) as session:
                add_truth(
                    session, endpoint="e", items=[TruthItem(id="f" * 8 + "-ffff-7fff-bfff-" + "f" * 12, value=value)]
                )
            for watcher in watchers:
                watcher.look()
        assert quality_jobs(runtime) == 2

    @pytest.mark.parametrize("wrong", [300, 30])
    def test_roll_back_what_has_switched(self, runtime: Runtime, watcher: Watcher, wrong: int) -> None:
        rollout_id = on_trial(runtime, 2)
        part = {
            "share": None, "control_rows": 400, "control_wrong": 30, "candidate_rows": 400, "candidate_wrong": wrong
        }  # fmt: skip
        with runtime.transaction() as session:
            steps.count_quality(session, rollout_id=rollout_id, quality={"parts": [part]})
        watcher.look()
        judged = found(runtime, rollout_id)
        assert judged.analysis is not None
        if wrong > 30:
            assert (judged.state, shares(runtime), champion(runtime)) == ("rolled_back", {1: 1.0}, 1)
            assert "300 of 400" in judged.reason
        else:
            assert (judged.state, judged.analysis["late"]["verdict"]) == ("switched", "pass")


def quality_jobs(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return session.query(Job).filter(Job.kind == "CountQuality").count()
