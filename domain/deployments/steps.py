"""Verbs of a rollout on trial: begin, judge, advance, pause, resume; and what late labels do after the switch.

Each is one commit of state, routes and events. Who judges says which state and step it saw: when somebody was
faster, nothing happens.
"""

from typing import Any, NamedTuple

from domain.db import WriteSession
from domain.deployments import service
from domain.deployments.course import COURSE, Point, follow, since_trial
from domain.deployments.events import RolloutPaused, RolloutStepped
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import Decision, Move, Terms, steps_of
from domain.deployments.queries import active_rollout, course_of, last_switch, strategy_of
from domain.deployments.refusals import OtherStep, WrongRolloutState
from domain.deployments.rollout import ON_TRIAL, Happening, RolloutState
from domain.events.service import emit
from domain.registry.models import ModelVersion


class Seen(NamedTuple):
    """Where a rollout stood when it was looked at."""

    state: RolloutState
    step: int


def seen(rollout: Rollout) -> Seen:
    return Seen(RolloutState(rollout.state), rollout.step)


def prove(session: WriteSession, *, rollout_id: str, probe: dict[str, Any]) -> Rollout:
    """The production validation is passed: the first step of the strategy begins, or, by blue-green, it switches."""
    rollout, endpoint = service.lock(session, rollout_id)
    steps = steps_of(strategy_of(rollout.strategy))
    if not steps:
        return service.switch(session, rollout_id=rollout_id, probe=probe)
    rollout.probe = probe
    _begin(session, rollout, endpoint, steps[0], "The production validation is passed.")
    return rollout


def judge(
    session: WriteSession, *, rollout_id: str, at: Seen, decision: Decision, analysis: dict[str, Any], point: Point
) -> Rollout | None:
    """Keep the verdict, and do what it comes to; None when the rollout has gone on since it was `seen`."""
    rollout, endpoint = service.lock(session, rollout_id)
    if seen(rollout) != at:
        return None
    rollout.analysis = analysis
    _follow(rollout, point, decision.move)
    match decision.move:
        case Move.STEP:
            _go_on(session, rollout, endpoint, decision.reason)
        case Move.SWITCH:
            service.switch(session, rollout_id=rollout_id, reason=decision.reason)
        case Move.PAUSE:
            _pause(session, rollout, endpoint, decision.reason)
        case Move.ROLL_BACK:
            service.fail(session, rollout_id=rollout_id, reason=decision.reason)
        case Move.HOLD:
            pass
    return rollout


def advance(session: WriteSession, *, rollout_id: str, step: int | None, reason: str) -> Rollout:
    """A person lets it go on to the next step, or the switch, whatever the evidence says so far.

    Refused (OtherStep) when it is not at `step` any more: two who advance it at once advance it once.
    """
    rollout, endpoint = service.lock(session, rollout_id)
    _refuse_unless_on_trial(rollout)
    if step is not None and step != rollout.step:
        raise OtherStep(f"Rollout {rollout.id} is at step {rollout.step}, not {step}.", where="step", fix="Look again.")
    _go_on(session, rollout, endpoint, reason)
    return rollout


def pause(session: WriteSession, *, rollout_id: str, reason: str) -> Rollout:
    """The step goes on as it is, and may still fail, but is not left before a person says so."""
    rollout, endpoint = service.lock(session, rollout_id)
    _refuse_unless_on_trial(rollout)
    if rollout.state == RolloutState.PAUSED:
        raise WrongRolloutState(f"Rollout {rollout.id} is paused already.", where="state")
    _pause(session, rollout, endpoint, reason)
    return rollout


def resume(session: WriteSession, *, rollout_id: str, reason: str) -> Rollout:
    """A paused one goes on being judged at the same step; its time begins anew, its counts do not."""
    rollout, endpoint = service.lock(session, rollout_id)
    if rollout.state != RolloutState.PAUSED:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; only a paused one can be resumed.", where="state"
        )
    _begin(session, rollout, endpoint, steps_of(strategy_of(rollout.strategy))[rollout.step], reason)
    return rollout


def count_quality(session: WriteSession, *, rollout_id: str, quality: dict[str, Any]) -> None:
    """Keep what the labels known by now say about both versions; the next look judges it."""
    rollout, _ = service.lock(session, rollout_id)
    if rollout.state in ON_TRIAL or rollout.state == RolloutState.SWITCHED:
        rollout.quality = quality


def judge_late(
    session: WriteSession, *, rollout_id: str, analysis: dict[str, Any], failed: str | None, point: Point
) -> bool:
    """Keep the verdict of late labels on a version that has switched; roll it back when they have `failed` it.

    The point counts only what came after the switch.
    False when that is not possible now: another rollout is under way, or the version does not answer any more.
    """
    rollout, endpoint = service.lock(session, rollout_id)
    if rollout.state != RolloutState.SWITCHED:
        return False
    rollout.analysis = analysis
    point = since_trial(course_of(rollout), point)
    _follow(rollout, point)
    if failed is None:
        return True
    last = last_switch(session, endpoint.id)
    if active_rollout(session, endpoint.id) is not None or last is None or last.id != rollout.id:
        return False
    _follow(rollout, point, Move.ROLL_BACK)
    service.rollback(session, endpoint=endpoint.name, reason=failed)
    return True


def _follow(rollout: Rollout, point: Point, move: Move = Move.HOLD) -> None:
    """Keep what was known at this moment, and what was decided on it."""
    course = follow(course_of(rollout), point.model_copy(update={"move": None if move == Move.HOLD else move}))
    rollout.course = COURSE.dump_python(course, mode="json", exclude_none=True)


def _go_on(session: WriteSession, rollout: Rollout, endpoint: Endpoint, reason: str) -> None:
    steps = steps_of(strategy_of(rollout.strategy))
    if rollout.step + 1 < len(steps):
        rollout.step += 1
        _begin(session, rollout, endpoint, steps[rollout.step], reason)
    else:
        service.switch(session, rollout_id=rollout.id, reason=reason)


def _begin(session: WriteSession, rollout: Rollout, endpoint: Endpoint, terms: Terms, reason: str) -> None:
    service.happens(session, rollout, terms.begins, reason)
    rollout.step_began_at = session.now()
    rollout.reason = ""
    service.changed(session, endpoint)
    version = session.get_one(ModelVersion, rollout.version_id)
    stepped = RolloutStepped(
        subject=f"endpoints/{endpoint.name}",
        endpoint=endpoint.name,
        rollout_id=rollout.id,
        version=version.number,
        step=rollout.step,
        share=terms.share,
        reason=reason,
    )
    emit(session, stepped)


def _pause(session: WriteSession, rollout: Rollout, endpoint: Endpoint, reason: str) -> None:
    service.happens(session, rollout, Happening.PAUSED, reason)
    rollout.reason = reason
    version = session.get_one(ModelVersion, rollout.version_id)
    paused = RolloutPaused(
        subject=f"endpoints/{endpoint.name}",
        endpoint=endpoint.name,
        rollout_id=rollout.id,
        version=version.number,
        step=rollout.step,
        reason=reason,
    )
    emit(session, paused)


def _refuse_unless_on_trial(rollout: Rollout) -> None:
    if rollout.state not in ON_TRIAL:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; only one that is on trial can be moved so.",
            where="state",
            fix="A rollout is on trial from its first step to its switch.",
        )
