"""Reads of plans, and of the packs that repacking is about."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from domain.contents.models import Chunk, Content, Pack
from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.gc.models import Plan, PlanContent, PlanPack
from domain.jobs.models import Job
from domain.jobs.spec import JobSpec
from domain.jobs.states import JobState
from domain.pages import Page, PageRequest, paginate

SMALL_PACK = 4 * 2**20
"""Bytes below which a pack is small."""
MOST_SMALL_PACKS = 64
"""More small packs than this are merged."""
_LOOSE = (Pack.loose.is_(True), Pack.retired_at.is_(None))
_SMALL = (Pack.size < SMALL_PACK, Pack.loose.is_(False), Pack.retired_at.is_(None))


class UnknownPlan(NotFound):
    code = "unknown_gc_plan"


class Candidate(NamedTuple):
    """A content that is old enough to be looked at."""

    digest: str
    size: int
    needed_at: datetime


def get_plan(session: AnySession, plan_id: str, *, lock: bool = False) -> Plan:
    query = select(Plan).where(Plan.id == plan_id)
    plan = session.scalar(locked(query) if lock else query)
    if plan is None:
        raise UnknownPlan(f"There is no collection plan {plan_id!r}.", where="plan_id")
    return plan


def list_plans(session: AnySession, page: PageRequest) -> Page[Plan]:
    """Newest first."""
    return paginate(session, select(Plan), page, key=Plan.id)


def list_contents(
    session: AnySession, plan: Plan, page: PageRequest, *, outcome: str | None = None
) -> Page[PlanContent]:
    query = select(PlanContent).where(PlanContent.plan_id == plan.id)
    if outcome is not None:
        query = query.where(PlanContent.outcome == outcome)
    return paginate(session, query, page, key=PlanContent.digest, descending=False)


def list_packs(session: AnySession, plan: Plan, page: PageRequest) -> Page[PlanPack]:
    query = select(PlanPack).where(PlanPack.plan_id == plan.id)
    return paginate(session, query, page, key=PlanPack.pack_id, descending=False)


def contents_after(session: AnySession, digest: str, *, limit: int) -> list[Candidate]:
    """The next contents in the order of digests."""
    query = select(Content.digest, Content.size, Content.needed_at).where(Content.digest > digest)
    return [Candidate(*row) for row in session.execute(query.order_by(Content.digest).limit(limit))]


def planned_contents(session: AnySession, plan_id: str, *, limit: int) -> list[str]:
    """Contents of the plan that are still to be decided about."""
    query = select(PlanContent.digest).where(PlanContent.plan_id == plan_id, PlanContent.outcome == "planned")
    return list(session.scalars(query.order_by(PlanContent.digest).limit(limit)))


def planned_digests(session: AnySession, plan_id: str) -> frozenset[str]:
    return frozenset(session.scalars(select(PlanContent.digest).where(PlanContent.plan_id == plan_id)))


def planned_packs(session: AnySession, plan_id: str) -> list[PlanPack]:
    """Packs of the plan that are still to be decided about."""
    query = select(PlanPack).where(PlanPack.plan_id == plan_id, PlanPack.outcome == "planned")
    return list(session.scalars(query.order_by(PlanPack.pack_id)))


def known_packs(session: AnySession, pack_ids: list[str]) -> set[str]:
    return set(session.scalars(select(Pack.id).where(Pack.id.in_(pack_ids))))


def rows_of(session: AnySession, pack_id: str) -> dict[bytes, int]:
    """The chunks that lie in a pack, and the offsets of their frames."""
    rows = session.execute(select(Chunk.digest, Chunk.offset).where(Chunk.pack_id == pack_id))
    return dict(rows.all())


def small_packs(session: AnySession, *, limit: int) -> list[Pack]:
    """Small packs in use, oldest first."""
    return list(session.scalars(select(Pack).where(*_SMALL).order_by(Pack.id).limit(limit)))


def loose_packs(session: AnySession) -> list[Pack]:
    """Packs that are to be compressed, oldest first: what is like something else came later."""
    return list(session.scalars(select(Pack).where(*_LOOSE).order_by(Pack.id)))


def newest_loose_pack(session: AnySession) -> str | None:
    return session.scalar(select(func.max(Pack.id)).where(*_LOOSE))


def retired_packs(session: AnySession, *, before: datetime) -> list[str]:
    query = select(Pack.id).where(Pack.retired_at.is_not(None), Pack.retired_at <= before)
    return list(session.scalars(query.order_by(Pack.id)))


def has_unfinished(session: AnySession, spec: type[JobSpec]) -> bool:
    query = select(Job.id).where(Job.kind == spec.kind(), Job.state.in_([JobState.QUEUED, JobState.RUNNING])).limit(1)
    return session.scalar(query) is not None


def newest_small_pack(session: AnySession) -> tuple[int, str | None]:
    """How many small packs are in use, as far as that is of interest, and the newest of them."""
    query = select(Pack.id).where(*_SMALL).order_by(Pack.id.desc())
    some = query.limit(MOST_SMALL_PACKS + 1).subquery()
    count, newest = session.execute(select(func.count(), func.max(some.c.id))).one()
    return count, newest
