"""Reads of endpoints and rollouts, and the routes that serving is given."""

from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import or_, select

from domain.db import AnySession, locked
from domain.deployments.course import COURSE, Point
from domain.deployments.evidence import Expected
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import Terms, steps_of
from domain.deployments.rollout import ACTIVE, ON_TRIAL, RolloutState
from domain.deployments.specs import EndpointSettings, Routes, Target, Trial
from domain.deployments.strategies import BlueGreen, Strategy
from domain.errors import NotFound, unknown
from domain.pages import Page, PageRequest, paginate
from domain.registry.models import ModelVersion, RegisteredModel

_STRATEGY: TypeAdapter[Strategy] = TypeAdapter(Strategy)


class UnknownEndpoint(NotFound):
    code = "unknown_endpoint"


class UnknownRollout(NotFound):
    code = "unknown_rollout"


def get_endpoint(session: AnySession, name: str, *, lock: bool = False) -> Endpoint:
    query = select(Endpoint).where(Endpoint.name == name)
    endpoint = session.scalar(locked(query) if lock else query)
    if endpoint is None:
        like = unknown("endpoint", name, session.scalars(select(Endpoint.name)))
        raise UnknownEndpoint(like.message, where=like.where, fix=like.fix)
    return endpoint


def list_endpoints(session: AnySession, page: PageRequest) -> Page[Endpoint]:
    return paginate(session, select(Endpoint), page, key=Endpoint.id)


def endpoints_of(session: AnySession, model_id: str, *, lock: bool = False) -> list[Endpoint]:
    """The endpoints that a model answers, oldest first."""
    query = select(Endpoint).where(Endpoint.model_id == model_id).order_by(Endpoint.id)
    return list(session.scalars(locked(query) if lock else query))


def active_rollout(session: AnySession, endpoint_id: str) -> Rollout | None:
    """The rollout that is under way, if there is one."""
    query = select(Rollout).where(Rollout.endpoint_id == endpoint_id, Rollout.state.in_(ACTIVE))
    return session.scalar(query.limit(1))


def active_rollouts_of(session: AnySession, promotion_id: str) -> list[Rollout]:
    """The rollouts of a promotion that are under way, one for each endpoint."""
    query = select(Rollout).where(Rollout.promotion_id == promotion_id, Rollout.state.in_(ACTIVE))
    return list(session.scalars(query.order_by(Rollout.id)))


def last_rollout(session: AnySession, endpoint_id: str) -> Rollout | None:
    """The newest rollout, however it ended."""
    return session.scalar(
        select(Rollout).where(Rollout.endpoint_id == endpoint_id).order_by(Rollout.id.desc()).limit(1)
    )


def last_switch(session: AnySession, endpoint_id: str) -> Rollout | None:
    """The rollout by which the live version came to answer; None before the first, and after a rollback."""
    query = select(Rollout).where(Rollout.endpoint_id == endpoint_id, Rollout.state == RolloutState.SWITCHED)
    return session.scalar(query.order_by(Rollout.id.desc()).limit(1))


def get_rollout(session: AnySession, rollout_id: str, *, lock: bool = False) -> Rollout:
    query = select(Rollout).where(Rollout.id == rollout_id)
    rollout = session.scalar(locked(query) if lock else query)
    if rollout is None:
        raise UnknownRollout(f"There is no rollout {rollout_id!r}.", where="rollout_id")
    return rollout


def list_rollouts(session: AnySession, page: PageRequest, *, endpoint_id: str) -> Page[Rollout]:
    return paginate(session, select(Rollout).where(Rollout.endpoint_id == endpoint_id), page, key=Rollout.id)


def strategy_of(kept: dict[str, Any] | None) -> Strategy:
    """The strategy that an endpoint or a rollout keeps; blue-green where it keeps none."""
    return _STRATEGY.validate_python(kept) if kept is not None else BlueGreen()


def course_of(rollout: Rollout) -> list[Point]:
    """What was known when, oldest first; of a rollout whose session is open."""
    return COURSE.validate_python(rollout.course)


def expected_of(rollout: Rollout) -> Expected:
    """How far the two versions differed on real rows before."""
    return Expected.model_validate((rollout.probe or {}).get("expected", {}))


def terms_of(rollout: Rollout) -> Terms | None:
    """What the step under way is held to; None unless the rollout is on trial."""
    return steps_of(strategy_of(rollout.strategy))[rollout.step] if rollout.state in ON_TRIAL else None


def judged_rollouts(session: AnySession, now: datetime) -> list[Rollout]:
    """Rollouts that live requests, or late labels, may still decide on."""
    late = (Rollout.state == RolloutState.SWITCHED) & (Rollout.watched_until > now)
    return list(session.scalars(select(Rollout).where(or_(Rollout.state.in_(ON_TRIAL), late)).order_by(Rollout.id)))


def routes_of(session: AnySession, endpoint: Endpoint) -> Routes:
    """What serving is to know about the endpoint, at its present revision."""
    model = session.get_one(RegisteredModel, endpoint.model_id)
    active = active_rollout(session, endpoint.id)
    terms = terms_of(active) if active is not None else None
    share = terms.share if terms is not None else 0.0
    targets = []
    live = session.get(ModelVersion, endpoint.live_version_id) if endpoint.live_version_id else None
    if live is not None:
        targets.append(Target(version=live.number, package=live.package_digest, role="live", share=1.0 - share))
    standby = session.get(ModelVersion, endpoint.standby_version_id) if endpoint.standby_version_id else None
    if standby is not None:
        role: Literal["live", "standby"] = "live" if share else "standby"
        targets.append(Target(version=standby.number, package=standby.package_digest, role=role, share=share))
    trial = None
    if active is not None and terms is not None and live is not None and standby is not None:
        probe = active.probe or {}
        trial = Trial(
            rollout_id=active.id,
            step=active.step,
            control=live.number,
            candidate=standby.number,
            mirror=terms.mirror,
            bins=probe.get("bins", []),
            tolerance=probe.get("tolerance", 0.0),
            latency_ratio=terms.analysis.latency_ratio,
        )
    return Routes(
        endpoint=endpoint.name,
        revision=endpoint.revision,
        model=model.name,
        targets=targets,
        settings=EndpointSettings.model_validate(endpoint.settings),
        trial=trial,
    )
