"""Verbs of a rollout on trial, on a real database: what each moves, and who is faster."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest

from adapters.runtime import Runtime
from domain.deployments import service, steps
from domain.deployments.bands import Band
from domain.deployments.course import Point
from domain.deployments.models import Rollout
from domain.deployments.progress import Decision, Move
from domain.deployments.queries import active_rollout, course_of, get_endpoint, get_rollout, judged_rollouts, routes_of
from domain.deployments.refusals import NothingToCompareWith, OtherStep, WrongRolloutState
from domain.deployments.rollout import RolloutState
from domain.deployments.specs import EndpointSettings, Routes
from domain.deployments.steps import Seen
from domain.deployments.strategies import ABTest, Canary, CanaryStep, Shadow, Strategy
from domain.errors import Conflict
from domain.promotions.queries import get_promotion
from domain.registry.queries import alias_of, get_model
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions, decide, request

CANARY = Canary(strategy="canary", steps=[CanaryStep(share=0.1), CanaryStep(share=0.5)], watch_seconds=60)
PROBE: dict[str, Any] = {"rows": 1, "bins": [1.0, 2.0], "tolerance": 0.5}
ANALYSIS = {"verdict": "pass"}


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    """Endpoint `e` whose champions roll out as canaries; version 1 is live, of three."""
    with runtime.transaction(ANN) as session:
        add_versions(session, 3)
        service.put_endpoint(session, name="e", model="m", settings=EndpointSettings(), strategy=CANARY)
    promote(runtime, 1)
    prove(runtime, rolling(runtime))


def promote(runtime: Runtime, number: int) -> str:
    with runtime.transaction(ANN) as session:
        promotion_id = request(session, number)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    return promotion_id


def rolling(runtime: Runtime) -> str:
    with runtime.reading() as session:
        found = active_rollout(session, get_endpoint(session, "e").id)
        assert found is not None
        return found.id


def prove(runtime: Runtime, rollout_id: str) -> None:
    with runtime.transaction(ANN) as session:
        service.loaded(session, rollout_id=rollout_id)
        steps.prove(session, rollout_id=rollout_id, probe=PROBE)


def on_trial(runtime: Runtime, number: int = 2) -> str:
    promote(runtime, number)
    rollout_id = rolling(runtime)
    prove(runtime, rollout_id)
    return rollout_id


def found(runtime: Runtime, rollout_id: str) -> Rollout:
    with runtime.reading() as session:
        return get_rollout(session, rollout_id)


def routes(runtime: Runtime) -> Routes:
    with runtime.reading() as session:
        return routes_of(session, get_endpoint(session, "e"))


def shares(runtime: Runtime) -> dict[int, float]:
    return {target.version: target.share for target in routes(runtime).targets if target.role == "live"}


def champion(runtime: Runtime) -> int | None:
    with runtime.reading() as session:
        alias = alias_of(session, get_model(session, "m"), "champion")
        return alias.number if alias else None


def point(step: int, requests: int) -> Point:
    return Point(at=datetime(2026, 1, 1, tzinfo=UTC), step=step, requests=requests, bands={"faults": Band(high=2.0)})


def judge(runtime: Runtime, rollout_id: str, at: Seen, move: Move, reason: str = "because") -> Rollout | None:
    with runtime.transaction() as session:
        return steps.judge(
            session,
            rollout_id=rollout_id,
            at=at,
            decision=Decision(move, reason),
            analysis=ANALYSIS,
            point=point(at.step, 100),
        )


def at(step: int, state: RolloutState = RolloutState.CANARY) -> Seen:
    return Seen(state, step)


def start(runtime: Runtime, strategy: Strategy, number: int = 2) -> str:
    """On trial by a strategy other than the endpoint's."""
    promote(runtime, number)
    with runtime.transaction(ANN) as session:
        service.abort(session, rollout_id=rolling(runtime), reason="another strategy")
        rollout, _ = service.start_rollout(session, endpoint="e", number=number, strategy=strategy)
    prove(runtime, rollout.id)
    return rollout.id


class TestProve:
    def test_the_first_version_switches_as_there_is_nothing_to_compare_with(self, runtime: Runtime) -> None:
        assert (shares(runtime), champion(runtime)) == ({1: 1.0}, 1)

    def test_gives_the_candidate_its_share_and_tells_serving_what_to_count(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        trial = routes(runtime).trial
        assert trial is not None
        assert shares(runtime) == {1: 0.9, 2: 0.1}
        assert (trial.rollout_id, trial.step, trial.control, trial.candidate) == (rollout_id, 0, 1, 2)
        assert (trial.mirror, trial.bins, trial.tolerance) == (0.1, [1.0, 2.0], 0.5)
        assert champion(runtime) == 1

    def test_a_shadow_is_asked_and_answers_nobody(self, runtime: Runtime) -> None:
        rollout_id = start(runtime, Shadow(strategy="shadow", mirror=0.7))
        trial = routes(runtime).trial
        assert trial is not None
        assert (found(runtime, rollout_id).state, shares(runtime), trial.mirror) == ("shadowing", {1: 1.0}, 0.7)

    def test_a_test_splits_the_callers(self, runtime: Runtime) -> None:
        rollout_id = start(runtime, ABTest(strategy="ab", share=0.4))
        assert (found(runtime, rollout_id).state, shares(runtime)) == ("testing", {1: 0.6, 2: 0.4})


class TestStart:
    def test_refuses_to_compare_with_nothing(self, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            new, _ = service.put_endpoint(session, name="new", model="m", settings=EndpointSettings())
            begun = active_rollout(session, new.id)
            assert begun is not None
            service.abort(session, rollout_id=begun.id, reason="no")
        with pytest.raises(NothingToCompareWith, match="No version answers"), runtime.transaction(ANN) as session:
            service.start_rollout(session, endpoint="new", number=1, strategy=CANARY)


class TestJudge:
    def test_a_passed_step_gives_a_larger_share_and_the_last_one_switches(self, runtime: Runtime) -> None:
        promotion_id = promote(runtime, 2)
        rollout_id = rolling(runtime)
        prove(runtime, rollout_id)
        assert judge(runtime, rollout_id, at(0), Move.STEP) is not None
        assert (shares(runtime), champion(runtime)) == ({1: 0.5, 2: 0.5}, 1)
        assert judge(runtime, rollout_id, at(1), Move.SWITCH) is not None
        assert (shares(runtime), champion(runtime), routes(runtime).trial) == ({2: 1.0}, 2, None)
        done = found(runtime, rollout_id)
        assert [moment["state"] for moment in done.history] == ["verifying", "canary", "canary", "switched"]
        assert done.analysis == ANALYSIS
        with runtime.reading() as session:
            assert get_promotion(session, promotion_id).state == "applied"
            assert get_endpoint(session, "e").can_roll_back

    def test_a_failed_step_leaves_blue_alone_with_the_reason(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        before = routes(runtime).revision
        judge(runtime, rollout_id, at(0), Move.ROLL_BACK, "It failed 3 of 4 requests.")
        assert (shares(runtime), champion(runtime)) == ({1: 1.0}, 1)
        assert (routes(runtime).revision, routes(runtime).trial) == (before + 1, None)
        failed = found(runtime, rollout_id)
        assert (failed.state, failed.reason) == ("rolled_back", "It failed 3 of 4 requests.")

    def test_a_paused_one_keeps_its_share_and_may_still_fail(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        judge(runtime, rollout_id, at(0), Move.PAUSE, "Nobody asks.")
        assert (shares(runtime), found(runtime, rollout_id).reason) == ({1: 0.9, 2: 0.1}, "Nobody asks.")
        judge(runtime, rollout_id, at(0, RolloutState.PAUSED), Move.ROLL_BACK)
        assert found(runtime, rollout_id).state == "rolled_back"

    def test_a_look_that_is_overtaken_changes_nothing(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        judge(runtime, rollout_id, at(0), Move.STEP)
        assert judge(runtime, rollout_id, at(0), Move.STEP) is None
        assert judge(runtime, rollout_id, at(0, RolloutState.PAUSED), Move.ROLL_BACK) is None
        assert (found(runtime, rollout_id).step, found(runtime, rollout_id).state) == (1, "canary")


class TestPerson:
    def test_advances_step_by_step_to_the_switch(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        for step in (0, 1):
            with runtime.transaction(ANN) as session:
                steps.advance(session, rollout_id=rollout_id, step=step, reason="I know it")
        assert (found(runtime, rollout_id).state, champion(runtime)) == ("switched", 2)
        assert found(runtime, rollout_id).history[-1]["by"] == "ann"

    def test_who_advances_the_same_step_twice_does_so_once(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        with runtime.transaction(ANN) as session:
            steps.advance(session, rollout_id=rollout_id, step=0, reason="")
        with pytest.raises(OtherStep, match="is at step 1, not 0"), runtime.transaction(ANN) as session:
            steps.advance(session, rollout_id=rollout_id, step=0, reason="")

    def test_pauses_and_resumes_the_same_step(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        with runtime.transaction(ANN) as session:
            steps.pause(session, rollout_id=rollout_id, reason="lunch")
        with pytest.raises(WrongRolloutState), runtime.transaction(ANN) as session:
            steps.pause(session, rollout_id=rollout_id, reason="lunch")
        with runtime.transaction(ANN) as session:
            steps.resume(session, rollout_id=rollout_id, reason="back")
        assert (found(runtime, rollout_id).state, found(runtime, rollout_id).step) == ("canary", 0)
        with pytest.raises(WrongRolloutState, match="only a paused one"), runtime.transaction(ANN) as session:
            steps.resume(session, rollout_id=rollout_id, reason="back")

    def test_rolls_the_endpoint_back_and_the_candidate_goes(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        with runtime.transaction(ANN) as session:
            service.rollback(session, endpoint="e", reason="customers complain")
        assert (shares(runtime), champion(runtime)) == ({1: 1.0}, 1)
        assert (found(runtime, rollout_id).state, found(runtime, rollout_id).reason) == (
            "rolled_back",
            "customers complain",
        )

    @pytest.mark.parametrize("verb", [steps.pause, steps.resume])
    def test_moves_only_what_is_on_trial(self, runtime: Runtime, verb: Callable[..., object]) -> None:
        promote(runtime, 2)
        with pytest.raises(WrongRolloutState), runtime.transaction(ANN) as session:
            verb(session, rollout_id=rolling(runtime), reason="")
        with pytest.raises(WrongRolloutState), runtime.transaction(ANN) as session:
            steps.advance(session, rollout_id=rolling(runtime), step=None, reason="")

    @ON_BOTH_DATABASES
    def test_and_two_watchers_at_once_one_is_first_and_nothing_is_torn(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)

        def abort() -> bool:
            with runtime.transaction(ANN) as session:
                service.abort(session, rollout_id=rollout_id, reason="no")
            return True

        def advance() -> bool:
            with runtime.transaction(ANN) as session:
                steps.advance(session, rollout_id=rollout_id, step=0, reason="go")
            return True

        def roll_back() -> bool:
            return judge(runtime, rollout_id, at(0), Move.ROLL_BACK) is not None

        def step() -> bool:
            return judge(runtime, rollout_id, at(0), Move.STEP) is not None

        def rollback_endpoint() -> bool:
            with runtime.transaction(ANN) as session:
                service.rollback(session, endpoint="e", reason="no")
            return True

        all_at_once([abort, advance, roll_back, roll_back, step, step, rollback_endpoint])
        ended = found(runtime, rollout_id)
        assert ended.state in {"aborted", "rolled_back"}
        assert (shares(runtime), routes(runtime).trial, champion(runtime)) == ({1: 1.0}, None, 1)
        states = [moment["state"] for moment in ended.history]
        assert states[:2] == ["verifying", "canary"]
        assert len([state for state in states if state in {"aborted", "rolled_back"}]) == 1
        assert states.count("canary") <= 2


def all_at_once(acts: list[Callable[[], bool]]) -> list[bool]:
    """Which of them were not refused."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], bool]) -> bool:
        barrier.wait()
        try:
            return act()
        except Conflict:
            return False

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


class TestLateLabels:
    def switched(self, runtime: Runtime) -> str:
        rollout_id = on_trial(runtime)
        judge(runtime, rollout_id, at(0), Move.SWITCH)
        return rollout_id

    def test_roll_it_back_with_the_reason(self, runtime: Runtime) -> None:
        rollout_id = self.switched(runtime)
        with runtime.transaction() as session:
            assert steps.judge_late(
                session, rollout_id=rollout_id, analysis=ANALYSIS, failed="It is wrong more often.", point=point(2, 40)
            )
        assert (shares(runtime), champion(runtime)) == ({1: 1.0}, 1)
        late = found(runtime, rollout_id)
        assert (late.state, late.reason) == ("rolled_back", "It is wrong more often.")

    def test_are_looked_at_until_the_window_closes(self, runtime: Runtime) -> None:
        rollout_id = self.switched(runtime)
        until = found(runtime, rollout_id).watched_until
        assert until is not None
        with runtime.reading() as session:
            assert [one.id for one in judged_rollouts(session, runtime.clock())] == [rollout_id]
            assert judged_rollouts(session, until) == []

    def test_say_nothing_about_a_version_that_does_not_answer_any_more(self, runtime: Runtime) -> None:
        rollout_id = self.switched(runtime)
        with runtime.transaction(ANN) as session:
            service.rollback(session, endpoint="e", reason="a hunch")
        with runtime.transaction() as session:
            assert not steps.judge_late(
                session, rollout_id=rollout_id, analysis=ANALYSIS, failed="late", point=point(2, 40)
            )
        assert found(runtime, rollout_id).reason == "a hunch"

    def test_wait_while_another_rollout_is_under_way(self, runtime: Runtime) -> None:
        rollout_id = self.switched(runtime)
        promote(runtime, 3)
        with runtime.transaction() as session:
            assert not steps.judge_late(
                session, rollout_id=rollout_id, analysis=ANALYSIS, failed="late", point=point(2, 40)
            )
        assert found(runtime, rollout_id).state == "switched"


class TestCourse:
    def test_keeps_what_was_known_and_what_was_decided_on_it(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        judge(runtime, rollout_id, at(0), Move.HOLD)
        judge(runtime, rollout_id, at(0), Move.STEP)
        judge(runtime, rollout_id, at(1), Move.SWITCH)
        for failed in (None, "It is wrong more often."):
            with runtime.transaction() as session:
                late = point(2, 40)
                steps.judge_late(session, rollout_id=rollout_id, analysis=ANALYSIS, failed=failed, point=late)
        with runtime.reading() as session:
            course = course_of(get_rollout(session, rollout_id))
        assert [(one.step, one.requests, one.move) for one in course] == [
            (0, 100, Move.STEP), (1, 100, Move.SWITCH), (2, 140, Move.ROLL_BACK)
        ]  # fmt: skip
        assert course[0] == point(0, 100).model_copy(update={"move": Move.STEP})

    def test_of_a_rollout_that_went_on_is_left_alone(self, runtime: Runtime) -> None:
        rollout_id = on_trial(runtime)
        judge(runtime, rollout_id, at(1), Move.HOLD)
        with runtime.reading() as session:
            assert course_of(get_rollout(session, rollout_id)) == []
