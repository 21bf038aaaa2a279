"""How far a strategy goes: its steps, what each is held to, and what follows from a verdict. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from domain.deployments.evidence import Verdict
from domain.deployments.rollout import Happening, RolloutState
from domain.deployments.strategies import ABTest, Analysis, Canary, Shadow, Strategy


class Move(StrEnum):
    HOLD = "hold"
    STEP = "step"
    SWITCH = "switch"
    PAUSE = "pause"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True)
class Decision:
    move: Move
    reason: str = ""


@dataclass(frozen=True)
class Terms:
    """One step: who is given what, and how long it may go on."""

    begins: Happening
    share: float
    mirror: float
    analysis: Analysis
    min_seconds: float
    max_seconds: float
    then: Literal["step", "switch", "pause"]
    on_inconclusive: Literal["pause", "roll_back"]
    name: str


def steps_of(strategy: Strategy) -> list[Terms]:
    """The steps between the validation and the switch, in order; none for blue-green."""
    match strategy:
        case Canary():
            last = len(strategy.steps) - 1
            return [
                Terms(
                    begins=Happening.SHARED,
                    share=step.share,
                    mirror=strategy.analysis.mirror,
                    analysis=_with_samples(strategy.analysis, step.min_samples),
                    min_seconds=step.min_seconds,
                    max_seconds=step.max_seconds,
                    then="pause" if step.pause else "switch" if place == last else "step",
                    on_inconclusive=strategy.on_inconclusive,
                    name=f"Step {place + 1} of {last + 1} ({step.share:.0%})",
                )
                for place, step in enumerate(strategy.steps)
            ]
        case Shadow():
            return [_only_step(strategy, Happening.MIRRORED, share=0.0, mirror=strategy.mirror, name="The shadow")]
        case ABTest():
            mirror = strategy.analysis.mirror
            return [_only_step(strategy, Happening.SPLIT, share=strategy.share, mirror=mirror, name="The A/B test")]
        case _:
            return []


def decide(terms: Terms, *, state: RolloutState, verdict: Verdict, seconds: float, because: str) -> Decision:
    """What follows from the verdict on a step that has lasted `seconds`. `because` says what the verdict rests on.

    No evidence is never a success: a step without a verdict waits, and at the end of its time does what the
    strategy says. A paused one can only fail.
    """
    if verdict == "fail":
        return Decision(Move.ROLL_BACK, because)
    if state == RolloutState.PAUSED or seconds < terms.min_seconds:
        return Decision(Move.HOLD)
    if verdict == "pass":
        reason = f"{terms.name} passed after {seconds:.0f} s."
        match terms.then:
            case "step":
                return Decision(Move.STEP, reason)
            case "switch":
                return Decision(Move.SWITCH, reason)
            case _:
                return Decision(Move.PAUSE, f"{reason} A person is to advance it.")
    if seconds >= terms.max_seconds:
        reason = f"{terms.name} came to no verdict within {terms.max_seconds:.0f} s. {because}".strip()
        return Decision(Move.PAUSE if terms.on_inconclusive == "pause" else Move.ROLL_BACK, reason)
    return Decision(Move.HOLD)


def _only_step(strategy: Shadow | ABTest, begins: Happening, *, share: float, mirror: float, name: str) -> Terms:
    return Terms(
        begins=begins,
        share=share,
        mirror=mirror,
        analysis=_with_samples(strategy.analysis, strategy.min_samples),
        min_seconds=strategy.min_seconds,
        max_seconds=strategy.max_seconds,
        then=strategy.then,
        on_inconclusive=strategy.on_inconclusive,
        name=name,
    )


def _with_samples(analysis: Analysis, min_samples: int | None) -> Analysis:
    return analysis if min_samples is None else analysis.model_copy(update={"min_samples": min_samples})
