"""Live traffic of endpoints: requests per second, latency and errors, by version and over time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.deps import ReadDep, Reader, RuntimeDep
from api.schemas.traffic import (
    Colour,
    TrafficError,
    TrafficFigures,
    TrafficPoint,
    TrafficRead,
    TrafficSeries,
    VersionTraffic,
)
from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint, last_rollout, routes_of
from domain.monitoring import traffic
from domain.monitoring.rates import Buckets, Slice, buckets_of, errors_of, figures, floor, series
from domain.registry.models import ModelVersion

router = APIRouter(tags=["endpoints"])
_HOUR = timedelta(hours=1)
_NOW_SECONDS = 30


@router.get("/endpoints/{name}/traffic")
def get_traffic(
    name: str,
    session: ReadDep,
    runtime: RuntimeDep,
    _: Reader,
    since: Annotated[
        AwareDatetime | None, Query(description="Within the last seven days; by default an hour ago.")
    ] = None,
    bucket_seconds: Annotated[
        int | None, Query(ge=10, le=86_400, description="A multiple of 10; by default about a hundred buckets come.")
    ] = None,
) -> TrafficRead:
    """Requests per second, latency percentiles and errors per version: now, in all, and as a series."""
    endpoint = get_endpoint(session, name)
    now = runtime.clock()
    known = traffic.counted(session, now)
    # What comes after the last report is not known, unless nobody has reported for long.
    until = known.until if known.until is not None and known.until > now - _HOUR else now
    wanted = buckets_of(max(since or until - _HOUR, now - traffic.KEPT), until, bucket_seconds)
    lately = floor(until - timedelta(seconds=_NOW_SECONDS), 10)
    slices = traffic.between(session, endpoint.id, since=min(wanted.start, lately), until=until)
    return TrafficRead(
        endpoint=name,
        as_of=known.until,
        processes=known.processes,
        since=wanted.start,
        until=until,
        bucket_seconds=wanted.seconds,
        together=_series(slices, wanted, lately),
        versions=_versions(session, endpoint, slices, wanted, lately),
    )


def _versions(
    session: AnySession, endpoint: Endpoint, slices: Sequence[Slice], wanted: Buckets, lately: datetime
) -> list[VersionTraffic]:
    """Those that are routed to, and those that were asked in the span."""
    targets = {target.version: target for target in routes_of(session, endpoint).targets}
    colours = _colours(session, endpoint)
    asked = {one.version for one in slices if one.at >= wanted.start}
    found = []
    for number in sorted(asked | targets.keys(), reverse=True):
        mine = [one for one in slices if one.version == number]
        target = targets.get(number)
        found.append(
            VersionTraffic(
                **_series(mine, wanted, lately).model_dump(),
                version=number or None,
                colour=colours.get(number),
                role=target.role if target else None,
                share=target.share if target else None,
            )
        )
    return found


def _colours(session: AnySession, endpoint: Endpoint) -> dict[int, Colour]:
    rollout = last_rollout(session, endpoint.id)
    if rollout is None:
        return {}
    colours: dict[int, Colour] = {session.get_one(ModelVersion, rollout.version_id).number: "green"}
    if rollout.blue_version_id is not None:
        colours[session.get_one(ModelVersion, rollout.blue_version_id).number] = "blue"
    return colours


def _series(slices: Sequence[Slice], wanted: Buckets, lately: datetime) -> TrafficSeries:
    whole = [one for one in slices if one.at >= wanted.start]
    spans = [wanted.start + timedelta(seconds=place * wanted.seconds) for place in range(wanted.count)]
    recent = [one for one in slices if one.at >= lately]
    return TrafficSeries(
        now=TrafficFigures.model_validate(figures(recent, (wanted.until - lately).total_seconds())),
        total=TrafficFigures.model_validate(figures(whole, (wanted.until - wanted.start).total_seconds())),
        errors=[TrafficError.model_validate(one, from_attributes=True) for one in errors_of(whole)],
        points=[TrafficPoint(at=at, **asdict(one)) for at, one in zip(spans, series(whole, wanted), strict=True)],
    )
