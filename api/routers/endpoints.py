"""Endpoints and their rollouts: put, look, roll out, roll back."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, IfMatch, PageDep, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.schemas.endpoints import (
    BandMomentRead,
    ConfidenceSequenceRead,
    DecisionMomentRead,
    EndpointPut,
    EndpointRead,
    RollbackCreate,
    RolloutAdvance,
    RolloutAnalysisRead,
    RolloutCreate,
    RolloutRead,
    StepRead,
)
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.datasets.specs import Name
from domain.db import AnySession
from domain.deployments import queries, service, steps
from domain.deployments.bands import QUANTITIES, BandName, coverage, limit
from domain.deployments.course import Point, sentence
from domain.deployments.evidence import Expected
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import steps_of
from domain.deployments.strategies import Analysis
from domain.experiments.models import Run
from domain.registry.models import ModelVersion

router = APIRouter(tags=["endpoints"], route_class=DocumentRoute)


def read_endpoint(session: AnySession, row: Endpoint) -> EndpointRead:
    routes = queries.routes_of(session, row)
    standby = session.get(ModelVersion, row.standby_version_id) if row.standby_version_id else None
    live = session.get(ModelVersion, row.live_version_id) if row.live_version_id else None
    run = session.get(Run, live.run_id) if live else None
    package = run.package if run and run.package else {}
    active = queries.active_rollout(session, row.id)
    return EndpointRead.model_validate(
        {
            "name": row.name,
            "model": routes.model,
            "revision": row.revision,
            "live_version": live.number if live else None,
            "standby_version": standby.number if standby else None,
            "can_roll_back": row.can_roll_back,
            "settings": routes.settings,
            "strategy": queries.strategy_of(row.strategy),
            "targets": routes.targets,
            "signature": package.get("signature"),
            "flavor": package.get("flavor"),
            "flavor_reason": package.get("reason"),
            "rollout_id": active.id if active else None,
            "created_by": row.created_by,
            "created_at": row.created_at,
        }
    )


def _read_rollout(session: AnySession, row: Rollout) -> RolloutRead:
    blue = session.get(ModelVersion, row.blue_version_id) if row.blue_version_id else None
    strategy = queries.strategy_of(row.strategy)
    named = {
        "endpoint": session.get_one(Endpoint, row.endpoint_id).name,
        "version": session.get_one(ModelVersion, row.version_id).number,
        "blue_version": blue.number if blue else None,
        "strategy": strategy,
        "steps": [StepRead(name=one.name, share=one.share, mirror=one.mirror) for one in steps_of(strategy)],
    }
    plain = {name: getattr(row, name) for name in RolloutRead.model_fields if name not in named}
    return RolloutRead.model_validate({**plain, **named})


def _read_sequence(
    name: BandName, course: Sequence[Point], analysis: Analysis, expected: Expected
) -> ConfidenceSequenceRead | None:
    """One quantity's bands over the course; None when nothing was known of it at any time."""
    known = [(one, one.bands[name]) for one in course if name in one.bands]
    if not known:
        return None
    (last, band), allowed = known[-1], limit(name, analysis, expected)
    return ConfidenceSequenceRead(
        name=name,
        test=QUANTITIES[name].test,
        measure=QUANTITIES[name].measure,
        allowed=allowed,
        coverage=coverage(name, analysis),
        failed=band.reaches(allowed),
        sentence=sentence(name, band, allowed=allowed, requests=last.requests),
        points=[
            BandMomentRead(at=one.at, step=one.step, requests=one.requests, **band.model_dump()) for one, band in known
        ],
    )


@router.put("/endpoints/{name}", responses={201: {"model": EndpointRead}})
def put_endpoint(
    name: Name, body: EndpointPut, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> EndpointRead:
    """Create an endpoint (201) or change its settings. The model's champion, if any, is rolled out to a new one."""
    if if_match is not None:
        check_if_match(if_match, queries.get_endpoint(session, name, lock=True).revision, what=f"endpoint {name!r}")
    endpoint, created = service.put_endpoint(
        session, name=name, model=body.model, settings=body.settings, strategy=body.strategy
    )
    response.status_code = 201 if created else 200
    response.headers["ETag"] = f'"{endpoint.revision}"'
    return read_endpoint(session, endpoint)


@router.get("/endpoints")
def list_endpoints(session: ReadDep, page: PageDep, _: Reader) -> PageRead[EndpointRead]:
    """Endpoints and what answers at each, newest first."""
    return PageRead[EndpointRead].of(queries.list_endpoints(session, page), lambda row: read_endpoint(session, row))


@router.get("/endpoints/{name}")
def get_endpoint(name: str, session: ReadDep, response: Response, _: Reader) -> EndpointRead:
    """What answers, what is warm beside it, and what a row must carry."""
    endpoint = queries.get_endpoint(session, name)
    response.headers["ETag"] = f'"{endpoint.revision}"'
    return read_endpoint(session, endpoint)


@router.post("/endpoints/{name}/rollouts", status_code=202)
def start_rollout(
    name: str, body: RolloutCreate, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Roll out a version that has passed the gates of its model, by the strategy given, or the endpoint's own.

    The job loads it and replays real rows; then it switches, or the first step begins.
    """
    _rollout, job = service.start_rollout(session, endpoint=name, number=body.version, strategy=body.strategy, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/endpoints/{name}/rollouts")
def list_rollouts(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[RolloutRead]:
    """Rollouts of the endpoint, newest first."""
    endpoint = queries.get_endpoint(session, name)
    found = queries.list_rollouts(session, page, endpoint_id=endpoint.id)
    return PageRead[RolloutRead].of(found, lambda row: _read_rollout(session, row))


@router.get("/rollouts/{rollout_id}")
def get_rollout(rollout_id: str, session: ReadDep, _: Reader) -> RolloutRead:
    """Its strategy, the step under way, the latest findings, and what happened when."""
    return _read_rollout(session, queries.get_rollout(session, rollout_id))


@router.get("/rollouts/{rollout_id}/analysis")
def get_rollout_analysis(rollout_id: str, session: ReadDep, _: Reader) -> RolloutAnalysisRead:
    """Confidence sequences of what the candidate is judged by, over the requests of the rollout.

    Each inverts the sequential test that decides. They may be watched: an end ever leaves the truth behind with a
    chance of at most the test's share of `alpha`.
    """
    rollout = queries.get_rollout(session, rollout_id)
    course, analysis = queries.course_of(rollout), queries.strategy_of(rollout.strategy).analysis
    found = [_read_sequence(name, course, analysis, queries.expected_of(rollout)) for name in QUANTITIES]
    return RolloutAnalysisRead(
        requests=course[-1].requests if course else 0,
        decisions=[
            DecisionMomentRead(at=one.at, step=one.step, requests=one.requests, move=one.move)
            for one in course
            if one.move is not None
        ],
        sequences=[sequence for sequence in found if sequence is not None],
    )


@router.post("/rollouts/{rollout_id}/advance")
def advance_rollout(rollout_id: str, body: RolloutAdvance, session: WriteDep, _: Writer) -> RolloutRead:
    """On to the next step, or the switch, whatever the evidence says. Refused when it is not at `step` any more."""
    found = steps.advance(session, rollout_id=rollout_id, step=body.step, reason=body.reason)
    return _read_rollout(session, found)


@router.post("/rollouts/{rollout_id}/pause")
def pause_rollout(rollout_id: str, body: RollbackCreate, session: WriteDep, _: Writer) -> RolloutRead:
    """Stay at this step until somebody advances or resumes it. A candidate that fails is rolled back all the same."""
    return _read_rollout(session, steps.pause(session, rollout_id=rollout_id, reason=body.reason))


@router.post("/rollouts/{rollout_id}/resume")
def resume_rollout(rollout_id: str, body: RollbackCreate, session: WriteDep, _: Writer) -> RolloutRead:
    """A paused one is judged at the same step again, and goes on by itself."""
    return _read_rollout(session, steps.resume(session, rollout_id=rollout_id, reason=body.reason))


@router.post("/rollouts/{rollout_id}/abort")
def abort_rollout(rollout_id: str, body: RollbackCreate, session: WriteDep, _: Writer) -> RolloutRead:
    """Give a rollout up before it has switched; the live version never stopped answering."""
    return _read_rollout(session, service.abort(session, rollout_id=rollout_id, reason=body.reason))


@router.post("/endpoints/{name}/rollback")
def roll_back(name: str, session: WriteDep, _: Writer, body: RollbackCreate | None = None) -> EndpointRead:
    """Back to the version before the last switch, which is still warm. A second rollback in a row is a 409.

    While a candidate is on trial it is the one that goes, and the live version answers alone.
    """
    reason = (body or RollbackCreate()).reason
    return read_endpoint(session, service.rollback(session, endpoint=name, reason=reason))
