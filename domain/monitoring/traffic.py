"""Counts of all requests, from the reports that serving leaves in the model store: taken in, read, and let go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from domain.db import AnySession, WriteSession, locked
from domain.deployments.models import Endpoint
from domain.deployments.specs import ErrorCount, TargetTraffic, TrafficReport
from domain.monitoring.models import EndpointTraffic, TrafficSource
from domain.monitoring.rates import SLICE_SECONDS, Slice, floor

KEPT: Final = timedelta(days=7)
# A process that has not reported for so long is gone, or does not reach the store.
_QUIET: Final = timedelta(seconds=3 * SLICE_SECONDS)


@dataclass(frozen=True)
class Counted:
    """How far the counts go: `until` which time, and by how many processes that report now. None before the first."""

    until: datetime | None
    processes: int


def keep(session: WriteSession, reports: Sequence[TrafficReport]) -> None:
    """Add reports to what is counted, each once however often it is given. Those of one process are in order."""
    named = {target.endpoint for report in reports for target in report.targets}
    query = select(Endpoint.name, Endpoint.id).where(Endpoint.name.in_(named))
    endpoints = dict(session.execute(query).all())
    for report in sorted(reports, key=lambda one: (one.instance, one.number)):
        source = session.scalar(locked(select(TrafficSource).where(TrafficSource.instance == report.instance)))
        if source is None:
            source = TrafficSource(instance=report.instance, number=-1)
            session.add(source)
        if report.number <= source.number:
            continue
        source.number, source.left = report.number, report.last
        source.counted_until = datetime.fromtimestamp(report.ended_at, UTC)
        # The middle: a process may begin and end a moment beside the ten seconds that it means.
        middle = datetime.fromtimestamp((report.began_at + report.ended_at) / 2, UTC)
        for target in report.targets:
            if target.endpoint in endpoints:
                _add(session, endpoints[target.endpoint], floor(middle, SLICE_SECONDS), target)
        session.flush()


def counted(session: AnySession, now: datetime) -> Counted:
    """Of several processes the one that is furthest behind counts: what comes before its time is whole."""
    sources = list(session.scalars(select(TrafficSource)))
    alive = [one.counted_until for one in sources if one.counted_until > now - _QUIET and not one.left]
    return Counted(min(alive) if alive else max((one.counted_until for one in sources), default=None), len(alive))


def between(session: AnySession, endpoint_id: str, *, since: datetime, until: datetime) -> list[Slice]:
    """What was counted in slices that begin in this span, oldest first."""
    query = select(
        EndpointTraffic.started_at,
        EndpointTraffic.version,
        EndpointTraffic.answered,
        EndpointTraffic.rows,
        EndpointTraffic.latency,
        EndpointTraffic.errors,
    ).where(
        EndpointTraffic.endpoint_id == endpoint_id,
        EndpointTraffic.started_at >= since,
        EndpointTraffic.started_at < until,
    )
    return [
        Slice(at, version, answered, rows, latency, _errors(errors))
        for at, version, answered, rows, latency, errors in session.execute(query.order_by(EndpointTraffic.started_at))
    ]


def forget(session: WriteSession) -> None:
    """Delete what is older than it is kept."""
    before = session.now() - KEPT
    session.execute(delete(EndpointTraffic).where(EndpointTraffic.started_at < before))
    session.execute(delete(TrafficSource).where(TrafficSource.counted_until < before))


def _add(session: WriteSession, endpoint_id: str, at: datetime, target: TargetTraffic) -> None:
    key = {"endpoint_id": endpoint_id, "started_at": at, "version": target.version}
    row = session.get(EndpointTraffic, key, with_for_update=True)
    if row is None:
        row = EndpointTraffic(**key, answered=0, rows=0, latency={}, errors={})
        session.add(row)
    row.answered += target.answered
    row.rows += target.rows
    known = row.latency
    row.latency = known | {str(place): known.get(str(place), 0) + count for place, count in target.latency.items()}
    row.errors = row.errors | {
        one.code: {"status": one.status, "count": row.errors.get(one.code, {"count": 0})["count"] + one.count}
        for one in target.errors
    }


def _errors(kept: dict[str, dict[str, int]]) -> list[ErrorCount]:
    return [ErrorCount(code=code, status=one["status"], count=one["count"]) for code, one in kept.items()]
