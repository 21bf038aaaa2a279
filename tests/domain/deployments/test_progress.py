"""What the steps of a strategy are held to, and what follows from each verdict."""

import pytest

from domain.deployments.progress import Move, decide, steps_of
from domain.deployments.rollout import RolloutState
from domain.deployments.strategies import ABTest, Analysis, BlueGreen, Canary, CanaryStep, Shadow, Strategy

CANARY = Canary(
    strategy="canary",
    steps=[CanaryStep(share=0.1, min_samples=7), CanaryStep(share=0.5, pause=True), CanaryStep(share=0.9)],
    analysis=Analysis(mirror=0.3, min_samples=50),
)


class TestStepsOf:
    def test_blue_green_has_none(self) -> None:
        assert steps_of(BlueGreen()) == []

    def test_a_canary_grows_and_may_ask_for_other_samples(self) -> None:
        found = steps_of(CANARY)
        assert [(one.share, one.mirror, one.analysis.min_samples, one.then) for one in found] == [
            (0.1, 0.3, 7, "step"),
            (0.5, 0.3, 50, "pause"),
            (0.9, 0.3, 50, "switch"),
        ]

    @pytest.mark.parametrize(
        ("strategy", "share", "mirror"),
        [(Shadow(strategy="shadow", mirror=0.4), 0.0, 0.4), (ABTest(strategy="ab", share=0.2), 0.2, 0.1)],
    )
    def test_shadow_and_test_are_one_step(self, strategy: Strategy, share: float, mirror: float) -> None:
        (found,) = steps_of(strategy)
        assert (found.share, found.mirror, found.then) == (share, mirror, "pause")


class TestDecide:
    @pytest.mark.parametrize(
        ("step", "verdict", "state", "seconds", "move"),
        [
            (0, "fail", "canary", 0.0, Move.ROLL_BACK),
            (0, "fail", "paused", 0.0, Move.ROLL_BACK),
            (0, "pass", "canary", 4.0, Move.HOLD),
            (0, "pass", "canary", 5.0, Move.STEP),
            (0, "pass", "paused", 99.0, Move.HOLD),
            (1, "pass", "canary", 5.0, Move.PAUSE),
            (2, "pass", "canary", 5.0, Move.SWITCH),
            (0, "inconclusive", "canary", 59.0, Move.HOLD),
            (0, "inconclusive", "canary", 60.0, Move.PAUSE),
            (0, "inconclusive", "paused", 999.0, Move.HOLD),
        ],
    )
    def test_a_verdict(self, step: int, verdict: str, state: str, seconds: float, move: Move) -> None:
        timed = [one.model_copy(update={"min_seconds": 5.0, "max_seconds": 60.0}) for one in CANARY.steps]
        terms = steps_of(CANARY.model_copy(update={"steps": timed}))[step]
        found = decide(terms, state=RolloutState(state), verdict=verdict, seconds=seconds, because="b")  # type: ignore[arg-type]
        assert found.move == move
        assert bool(found.reason) == (move != Move.HOLD)

    def test_without_a_verdict_it_is_rolled_back_where_the_strategy_says_so(self) -> None:
        terms = steps_of(Shadow(strategy="shadow", max_seconds=1, on_inconclusive="roll_back"))[0]
        found = decide(
            terms, state=RolloutState.SHADOWING, verdict="inconclusive", seconds=2, because="Too few requests."
        )
        assert found.move == Move.ROLL_BACK
        assert found.reason == "The shadow came to no verdict within 1 s. Too few requests."
