"""Verbs of deployments: put an endpoint, start a rollout, switch, roll back. Only here a rollout's state moves.

A switch is one commit: the champion alias, the routes, the promotion and the events move together, or none does.
"""

from sqlalchemy import select

from domain.db import WriteSession, locked, new_id
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
from domain.deployments.queries import endpoints_of, get_endpoint, get_rollout, last_switch
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
)
from domain.deployments.rollout import ACTIVE, Happening, RolloutState, next_state
from domain.deployments.specs import EndpointSettings
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


def put_endpoint(session: WriteSession, *, name: str, model: str, settings: EndpointSettings) -> tuple[Endpoint, bool]:
    """Create the endpoint, or change its settings; True when it is new. A champion that exists is rolled out to it."""
    registered = registry.get_model(session, model)
    endpoint = session.scalar(locked(select(Endpoint).where(Endpoint.name == name)))
    if endpoint is None:
        endpoint = Endpoint(
            id=new_id(),
            name=name,
            model_id=registered.id,
            settings=settings.model_dump(mode="json"),
            revision=0,
            created_by=session.actor.name,
            created_at=session.now(),
        )
        session.add(endpoint)
        session.flush()
        emit(session, EndpointCreated(subject=f"endpoints/{name}", endpoint=name, model=model))
        champion = registry.alias_of(session, registered, "champion")
        if champion is not None:
            _begin_rollout(session, endpoint, champion, promotion=None)
        else:
            _changed(session, endpoint)
        return endpoint, True
    if endpoint.model_id != registered.id:
        raise ModelFixed(
            f"Endpoint {name!r} serves another model.", where="model", fix="Use a new endpoint for another model."
        )
    if endpoint.settings != settings.model_dump(mode="json"):
        endpoint.settings = settings.model_dump(mode="json")
        _changed(session, endpoint)
    return endpoint, False


def start_rollout(session: WriteSession, *, endpoint: str, number: int, key: str | None = None) -> tuple[Rollout, Job]:
    """Roll out a version that has passed the gates of its model (before, or as the champion it is).

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
    return _begin_rollout(session, target, version, promotion=proof, key=key)


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
        _begin_rollout(session, endpoint, version, promotion=promotion)
    if not behind:
        registry_service.move_alias(
            session, model=model, alias="champion", version=version, expected=promotion.champion_version_id
        )
        promotion_service.applied(session, promotion_id=promotion.id)


def loaded(session: WriteSession, *, rollout_id: str) -> None:
    """Green is warm wherever the endpoint is served."""
    _happens(get_rollout(session, rollout_id, lock=True), Happening.LOADED)


def switch(session: WriteSession, *, rollout_id: str, probe: dict[str, object]) -> Rollout:
    """Green answers from the next revision on and blue stays warm; alias, routes, promotion and events in this commit.

    Refused (Conflict) when somebody else moved the endpoint or the champion alias since the rollout began.
    """
    rollout = get_rollout(session, rollout_id, lock=True)
    endpoint = _endpoint_of(session, rollout)
    if endpoint.live_version_id != rollout.blue_version_id:
        raise EndpointMoved(f"Endpoint {endpoint.name!r} was switched by somebody else meanwhile.", where="endpoint")
    version = session.get_one(ModelVersion, rollout.version_id)
    blue = session.get_one(ModelVersion, rollout.blue_version_id) if rollout.blue_version_id else None
    _happens(rollout, Happening.PROVEN)
    _retire_earlier(session, rollout)
    rollout.probe = probe
    rollout.ended_at = session.now()
    _name_champion(session, endpoint, rollout, version)
    endpoint.live_version_id = version.id
    endpoint.standby_version_id = blue.id if blue else None
    endpoint.can_roll_back = blue is not None
    _changed(session, endpoint)
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
    """Give up a rollout that is under way; blue never stopped answering, and may be rolled back if it could before.

    Its job is stopped, unless the job itself gives up.
    """
    rollout = get_rollout(session, rollout_id, lock=True)
    if rollout.state not in ACTIVE:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; only one that is under way can be aborted.", where="state"
        )
    endpoint = _endpoint_of(session, rollout)
    _happens(rollout, Happening.FAILED)
    rollout.reason = reason
    rollout.ended_at = session.now()
    last = last_switch(session, endpoint.id)
    endpoint.standby_version_id = last.blue_version_id if last else None
    endpoint.can_roll_back = endpoint.standby_version_id is not None
    _changed(session, endpoint)
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


def rollback(session: WriteSession, *, endpoint: str, reason: str) -> Endpoint:
    """Back to the version before the last switch, still warm: one row, one route write. A second one is refused."""
    target = get_endpoint(session, endpoint, lock=True)
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
        _happens(last, Happening.ROLLED_BACK)
        last.reason = reason
    _alias_follows(session, target, left=bad, version=good)
    target.live_version_id, target.standby_version_id = good.id, bad.id
    target.can_roll_back = False
    _changed(session, target)
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


def _name_champion(session: WriteSession, endpoint: Endpoint, rollout: Rollout, version: ModelVersion) -> None:
    """Move the champion alias as a switch does; AliasConflict when a promotion was judged against another champion."""
    model = session.get_one(RegisteredModel, endpoint.model_id)
    champion = registry.alias_of(session, model, "champion")
    if champion is not None and champion.id == version.id:  # named so by another endpoint of the model
        return
    promotion = promotions.get_promotion(session, rollout.promotion_id) if rollout.promotion_id else None
    if promotion is not None and promotion.applied_at is None:
        registry_service.move_alias(
            session, model=model, alias="champion", version=version, expected=promotion.champion_version_id
        )
    elif rollout.blue_version_id is not None:
        left = session.get_one(ModelVersion, rollout.blue_version_id)
        _alias_follows(session, endpoint, left=left, version=version)


def _alias_follows(session: WriteSession, endpoint: Endpoint, *, left: ModelVersion, version: ModelVersion) -> None:
    """Name `version` champion if that was the version the endpoint leaves; another endpoint may have moved it since."""
    model = session.get_one(RegisteredModel, endpoint.model_id)
    champion = registry.alias_of(session, model, "champion")
    if champion is not None and champion.id == left.id:
        registry_service.move_alias(session, model=model, alias="champion", version=version, expected=left.id)


def _begin_rollout(
    session: WriteSession,
    endpoint: Endpoint,
    version: ModelVersion,
    *,
    promotion: Promotion | None,
    key: str | None = None,
) -> tuple[Rollout, Job]:
    refuse_archived(version)
    refuse_while_rolling_out(session, endpoint)
    if endpoint.live_version_id == version.id:
        raise AlreadyLive(f"Version {version.number} already answers for endpoint {endpoint.name!r}.", where="version")
    rollout_id = new_id()
    job = jobs.submit(session, RollOut(rollout_id=rollout_id), subject=f"rollouts/{rollout_id}", key=key)
    rollout = Rollout(
        id=rollout_id,
        endpoint_id=endpoint.id,
        version_id=version.id,
        blue_version_id=endpoint.live_version_id,
        promotion_id=promotion.id if promotion else None,
        state=RolloutState.PREPARING,
        job_id=job.id,
        started_by=session.actor.name,
        started_at=session.now(),
    )
    session.add(rollout)
    session.flush()
    endpoint.standby_version_id = version.id
    endpoint.can_roll_back = False
    _changed(session, endpoint)
    emit(
        session,
        RolloutStarted(
            subject=f"endpoints/{endpoint.name}", endpoint=endpoint.name, rollout_id=rollout_id, version=version.number
        ),
    )
    return rollout, job


def _endpoint_of(session: WriteSession, rollout: Rollout) -> Endpoint:
    return session.get_one(Endpoint, rollout.endpoint_id, with_for_update=True, populate_existing=True)


def _retire_earlier(session: WriteSession, rollout: Rollout) -> None:
    earlier = select(Rollout).where(
        Rollout.endpoint_id == rollout.endpoint_id, Rollout.state == RolloutState.SWITCHED, Rollout.id != rollout.id
    )
    for old in session.scalars(earlier):
        _happens(old, Happening.SUPERSEDED)


def _changed(session: WriteSession, endpoint: Endpoint) -> None:
    endpoint.revision += 1
    session.flush()
    jobs.submit(session, PublishRoutes(endpoint=endpoint.name), subject=f"endpoints/{endpoint.name}")
    emit(
        session,
        EndpointChanged(subject=f"endpoints/{endpoint.name}", endpoint=endpoint.name, revision=endpoint.revision),
    )


def _happens(rollout: Rollout, happening: Happening) -> None:
    state = next_state(RolloutState(rollout.state), happening)
    if state is None:
        raise WrongRolloutState(
            f"Rollout {rollout.id} is {rollout.state}; {happening} cannot happen to it.", where="state"
        )
    rollout.state = state
