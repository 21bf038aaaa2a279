"""Verbs of deployments: put an endpoint, start a rollout, switch, roll back. Only here a rollout's state moves.

A switch is one commit: the champion alias, the routes, the promotion and the events move together, or none does.
"""

from datetime import timedelta

from sqlalchemy import select

from domain.db import WriteSession, locked, new_id
from domain.deployments.champion import alias_follows, name_champion
from domain.deployments.events import (
    EndpointChanged,
    EndpointCreated,
    RolledBack,
    RolloutAborted,
    RolloutFinished,
    RolloutStarted,
)
from domain.deployments.jobs import PublishRoutes, RollOut
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import steps_of
from domain.deployments.queries import (
    active_rollout,
    endpoints_of,
    get_endpoint,
    get_rollout,
    last_switch,
    strategy_of,
)
from domain.deployments.refusals import (
    AlreadyLive,
    ChampionMoved,
    EndpointMoved,
    ModelFixed,
    NothingToRollBack,
    NotProven,
    WrongRolloutState,
    refuse_archived,
    refuse_overtaken,
    refuse_while_rolling_out,
    refuse_without_control,
)
from domain.deployments.rollout import ACTIVE, ON_TRIAL, Happening, RolloutState, next_state
from domain.deployments.specs import EndpointSettings
from domain.deployments.strategies import BlueGreen, Strategy
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.queries import find_by_key, get_job
from domain.jobs.states import ENDED
from domain.promotions import queries as promotions
from domain.promotions import service as promotion_service
from domain.promotions.models import Promotion
from domain.registry import queries as registry
from domain.registry import service as registry_service
from domain.registry.models import ModelVersion, RegisteredModel


def put_endpoint(
    session: WriteSession, *, name: str, model: str, settings: EndpointSettings, strategy: Strategy | None = None
) -> tuple[Endpoint, bool]:
    """Create the endpoint, or change its settings; True when it is new. A champion that exists is rolled out to it.

    `strategy` is how later champions take over, blue-green by default.
    """
    kept = (strategy or BlueGreen()).model_dump(mode="json")
    registered = registry.get_model(session, model)
    endpoint = session.scalar(locked(select(Endpoint).where(Endpoint.name == name)))
    if endpoint is None:
        endpoint = Endpoint(
            id=new_id(),
            name=name,
            model_id=registered.id,
            settings=settings.model_dump(mode="json"),
            strategy=kept,
            revision=0,
            created_by=session.actor.name,
            created_at=session.now(),
        )
        session.add(endpoint)
        session.flush()
        emit(session, EndpointCreated(subject=f"endpoints/{name}", endpoint=name, model=model))
        champion = registry.alias_of(session, registered, "champion")
        if champion is not None:
            _begin_rollout(session, endpoint, champion, BlueGreen(), promotion=None)
        else:
            changed(session, endpoint)
        return endpoint, True
    if endpoint.model_id != registered.id:
        raise ModelFixed(
            f"Endpoint {name!r} serves another model.", where="model", fix="Use a new endpoint for another model."
        )
    endpoint.strategy = kept
    if endpoint.settings != settings.model_dump(mode="json"):
        endpoint.settings = settings.model_dump(mode="json")
        changed(session, endpoint)
    return endpoint, False


def start_rollout(
    session: WriteSession, *, endpoint: str, number: int, strategy: Strategy | None = None, key: str | None = None
) -> tuple[Rollout, Job]:
    """Roll out a version that has passed the gates of its model (before, or as the champion it is).

    By `strategy`, or as the endpoint says; the first version of an endpoint by blue-green, unless told otherwise.
    The same `key` again gives the rollout that the first request began, however it has gone since.
    """
    standing = find_by_key(session, key)
    if standing is not None:
        return get_rollout(session, standing.payload["rollout_id"]), standing
    target = get_endpoint(session, endpoint, lock=True)
    model = session.get_one(RegisteredModel, target.model_id)
    version = registry.get_version(session, model.name, number)
    proof = promotions.proof_of(session, version.id)
    if proof is None:
        raise NotProven(
            f"{model.name} version {number} has not passed the gates.",
            where="version",
            fix=f"Ask for it: POST /api/v1/models/{model.name}/versions/{number}/promotions.",
        )
    if strategy is not None:
        refuse_without_control(target, strategy)
    return _begin_rollout(session, target, version, strategy, promotion=proof, key=key)


def apply_promotion(session: WriteSession, *, promotion_id: str) -> None:
    """What an approved promotion does: roll out wherever the model answers; where that is nowhere, move the alias.

    To every endpoint or to none. What stands in the way is told by the promotion and not raised: that
    the version has passed its gates is recorded in this transaction, and stays true.
    """
    promotion = promotions.get_promotion(session, promotion_id)
    model = session.get_one(RegisteredModel, promotion.model_id)
    version = session.get_one(ModelVersion, promotion.version_id)
    endpoints = endpoints_of(session, model.id, lock=True)
    registry.get_model(session, model.name, lock=True)  # who is first is settled here, also without an endpoint
    behind = [endpoint for endpoint in endpoints if endpoint.live_version_id != version.id]
    try:
        refuse_archived(version)
        refuse_overtaken(session, model, promotion)
        for endpoint in behind:
            refuse_while_rolling_out(session, endpoint)
    except Conflict as refusal:
        reason = f"{refusal.message} {refusal.fix or ''}".strip()
        promotion_service.not_applied(
            session, promotion_id=promotion.id, reason=reason, superseded=isinstance(refusal, ChampionMoved)
        )
        return
    for endpoint in behind:
        _begin_rollout(session, endpoint, version, None, promotion=promotion)
    if not behind:
        registry_service.move_alias(
            session, model=model, alias="champion", version=version, expected=promotion.champion_version_id
        )
        promotion_service.applied(session, promotion_id=promotion.id)


def loaded(session: WriteSession, *, rollout_id: str) -> None:
    """Green is warm wherever the endpoint is served."""
    happens(session, get_rollout(session, rollout_id, lock=True), Happening.LOADED)


def switch(
    session: WriteSession, *, rollout_id: str, probe: dict[str, object] | None = None, reason: str = ""
) -> Rollout:
    """Green answers from the next revision on and blue stays warm; alias, routes, promotion and events in this commit.

    Refused (Conflict) when somebody else moved the endpoint or the champion alias since the rollout began.
    """
    rollout, endpoint = lock(session, rollout_id)
    if endpoint.live_version_id != rollout.blue_version_id:
        raise EndpointMoved(f"Endpoint {endpoint.name!r} was switched by somebody else meanwhile.", where="endpoint")
    version = session.get_one(ModelVersion, rollout.version_id)
    blue = session.get_one(ModelVersion, rollout.blue_version_id) if rollout.blue_version_id else None
    happens(session, rollout, Happening.SWITCHED, reason)
    _retire_earlier(session, rollout)
    if probe is not None:
        rollout.probe = probe
    rollout.reason = reason
    rollout.ended_at = session.now()
    if blue is not None:
        rollout.watched_until = rollout.ended_at + timedelta(seconds=strategy_of(rollout.strategy).watch_seconds)
    name_champion(session, endpoint, rollout, version)
    endpoint.live_version_id = version.id
    endpoint.standby_version_id = blue.id if blue else None
    endpoint.can_roll_back = blue is not None
    changed(session, endpoint)
    if rollout.promotion_id is not None:
        promotion_service.applied(session, promotion_id=rollout.promotion_id)
    emit(
        session,
        RolloutFinished(
            subject=f"endpoints/{endpoint.name}",
            endpoint=endpoint.name,
            rollout_id=rollout.id,
            version=version.number,
            previous=blue.number if blue else None,
            promotion_id=rollout.promotion_id,
        ),
    )
    return rollout


def abort(session: WriteSession, *, rollout_id: str, reason: str) -> Rollout:
    """A person gives up a rollout that is under way; blue never stopped answering.

    It may be rolled back if it could before. Its job is stopped, unless the job itself gives up.
    """
    rollout, endpoint = lock(session, rollout_id)
    if rollout.state not in ACTIVE:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; only one that is under way can be aborted.", where="state"
        )
    return _give_up(session, rollout, endpoint, Happening.ABORTED, reason)


def fail(session: WriteSession, *, rollout_id: str, reason: str, probe: dict[str, object] | None = None) -> Rollout:
    """The evidence is against green: blue alone answers from the next revision on."""
    rollout, endpoint = lock(session, rollout_id)
    if probe is not None:
        rollout.probe = probe
    return _give_up(session, rollout, endpoint, Happening.FAILED, reason)


def rollback(session: WriteSession, *, endpoint: str, reason: str) -> Endpoint:
    """Back to the version before the last switch, still warm: one row, one route write. A second one is refused.

    While a candidate is on trial, that is what is taken back, and the live version answers alone.
    """
    target = get_endpoint(session, endpoint, lock=True)
    active = active_rollout(session, target.id)
    if active is not None and active.state in ON_TRIAL:
        fail(session, rollout_id=active.id, reason=reason)
        return target
    refuse_while_rolling_out(session, target)
    if not target.can_roll_back or target.standby_version_id is None or target.live_version_id is None:
        raise NothingToRollBack(
            f"Endpoint {endpoint!r} has nothing to roll back to.",
            where="endpoint",
            fix="It was rolled back already, or has had one version only; start a rollout to go to another version.",
        )
    bad = session.get_one(ModelVersion, target.live_version_id)
    good = session.get_one(ModelVersion, target.standby_version_id)
    last = last_switch(session, target.id)
    if last is not None:
        happens(session, last, Happening.ROLLED_BACK, reason)
        last.reason = reason
    alias_follows(session, target, left=bad, version=good)
    target.live_version_id, target.standby_version_id = good.id, bad.id
    target.can_roll_back = False
    changed(session, target)
    emit(
        session,
        RolledBack(
            subject=f"endpoints/{endpoint}",
            endpoint=endpoint,
            from_version=bad.number,
            to_version=good.number,
            reason=reason,
        ),
    )
    return target


def happens(session: WriteSession, rollout: Rollout, happening: Happening, reason: str = "") -> None:
    """Move the rollout and remember it in its history; WrongRolloutState when that cannot happen to it."""
    state = next_state(RolloutState(rollout.state), happening)
    if state is None:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; {happening} cannot happen to it.", where="state"
        )
    rollout.state = state
    moment = {"at": session.now().isoformat(), "state": state, "step": rollout.step, "by": session.actor.name}
    rollout.history = [*(rollout.history or []), {**moment, "reason": reason}]


def changed(session: WriteSession, endpoint: Endpoint) -> None:
    """The endpoint's routes are others now: the next revision, and a job that writes it."""
    endpoint.revision += 1
    session.flush()
    jobs.submit(session, PublishRoutes(endpoint=endpoint.name), subject=f"endpoints/{endpoint.name}")
    emit(
        session,
        EndpointChanged(subject=f"endpoints/{endpoint.name}", endpoint=endpoint.name, revision=endpoint.revision),
    )


def lock(session: WriteSession, rollout_id: str) -> tuple[Rollout, Endpoint]:
    """The rollout and its endpoint as they are now, nobody else's until the commit. Always the endpoint first."""
    known = get_rollout(session, rollout_id)
    endpoint = session.get_one(Endpoint, known.endpoint_id, with_for_update=True, populate_existing=True)
    return get_rollout(session, rollout_id, lock=True), endpoint


def _give_up(session: WriteSession, rollout: Rollout, endpoint: Endpoint, happening: Happening, reason: str) -> Rollout:
    happens(session, rollout, happening, reason)
    rollout.reason = reason
    rollout.ended_at = session.now()
    last = last_switch(session, endpoint.id)
    endpoint.standby_version_id = last.blue_version_id if last else None
    endpoint.can_roll_back = endpoint.standby_version_id is not None
    changed(session, endpoint)
    version = session.get_one(ModelVersion, rollout.version_id)
    emit(
        session,
        RolloutAborted(
            subject=f"endpoints/{endpoint.name}",
            endpoint=endpoint.name,
            rollout_id=rollout.id,
            version=version.number,
            reason=reason,
        ),
    )
    if session.job_id != rollout.job_id and get_job(session, rollout.job_id).state not in ENDED:
        jobs.cancel(session, rollout.job_id, reason=reason)
    return rollout


def _begin_rollout(
    session: WriteSession,
    endpoint: Endpoint,
    version: ModelVersion,
    strategy: Strategy | None,
    *,
    promotion: Promotion | None,
    key: str | None = None,
) -> tuple[Rollout, Job]:
    refuse_archived(version)
    refuse_while_rolling_out(session, endpoint)
    if endpoint.live_version_id == version.id:
        raise AlreadyLive(f"Version {version.number} already answers for endpoint {endpoint.name!r}.", where="version")
    chosen = strategy or strategy_of(endpoint.strategy)
    if endpoint.live_version_id is None and steps_of(chosen):  # nothing to be compared with
        chosen = BlueGreen(watch_seconds=chosen.watch_seconds, analysis=chosen.analysis)
    rollout_id = new_id()
    job = jobs.submit(session, RollOut(rollout_id=rollout_id), subject=f"rollouts/{rollout_id}", key=key)
    rollout = Rollout(
        id=rollout_id,
        endpoint_id=endpoint.id,
        version_id=version.id,
        blue_version_id=endpoint.live_version_id,
        promotion_id=promotion.id if promotion else None,
        state=RolloutState.PREPARING,
        strategy=chosen.model_dump(mode="json"),
        step=0,
        history=[],
        job_id=job.id,
        started_by=session.actor.name,
        started_at=session.now(),
    )
    session.add(rollout)
    session.flush()
    endpoint.standby_version_id = version.id
    endpoint.can_roll_back = False
    changed(session, endpoint)
    emit(
        session,
        RolloutStarted(
            subject=f"endpoints/{endpoint.name}", endpoint=endpoint.name, rollout_id=rollout_id, version=version.number
        ),
    )
    return rollout, job


def _retire_earlier(session: WriteSession, rollout: Rollout) -> None:
    earlier = select(Rollout).where(
        Rollout.endpoint_id == rollout.endpoint_id, Rollout.state == RolloutState.SWITCHED, Rollout.id != rollout.id
    )
    for old in session.scalars(earlier):
        happens(session, old, Happening.SUPERSEDED)
