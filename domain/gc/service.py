"""Verbs of plans: ask for one, keep what was found, execute, cancel. `collection` has the deleting itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.gc import roots
from domain.gc.events import (
    CollectionCancelled,
    CollectionDone,
    CollectionFailed,
    CollectionPlanned,
    CollectionStarted,
)
from domain.gc.jobs import CompressPacks, ComputePlan, DeleteRetiredPacks, ExecutePlan, RepackStore
from domain.gc.marks import PackFacts
from domain.gc.models import Plan, PlanContent, PlanPack
from domain.gc.queries import (
    MOST_SMALL_PACKS,
    Candidate,
    get_plan,
    has_unfinished,
    newest_loose_pack,
    newest_small_pack,
    retired_packs,
)
from domain.gc.reach import Fate
from domain.gc.states import PlanState, may_move
from domain.jobs import service as jobs
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.models import Job

READERS_SECONDS = 600
"""How long the bytes of a rewritten pack stay for readers that looked a chunk up before it moved."""
_NOTHING = {"contents": 0, "content_bytes": 0, "skipped": 0, "chunks": 0, "packs": 0, "orphans": 0, "freed_bytes": 0,
            "compacted": 0, "later_bytes": 0}  # fmt: skip


class PlanNotReady(Conflict):
    """It is not (or no longer) waiting to be executed."""

    code = "gc_plan_not_ready"


class GracePeriod(Conflict):
    code = "gc_grace_period"


class CollectionUnderWay(Conflict):
    """One collection deletes at a time."""

    code = "gc_under_way"


@dataclass(frozen=True)
class Found:
    """A content that nothing needs."""

    content: Candidate
    origin: str
    deleted_at: datetime | None


@dataclass(frozen=True)
class Summary:
    """What a plan comes to, beside its lists."""

    roots: list[dict[str, Any]]
    chunks: int


def subject_of(plan_id: str) -> str:
    return f"gc/plans/{plan_id}"


def request_plan(session: WriteSession, *, grace: timedelta, key: str | None = None) -> tuple[Plan, Job]:
    """Order a plan that may be executed when `grace` is over."""
    now = session.now()
    youth = roots.youth(session, now=now, grace=grace)
    plan_id = new_id()
    job = jobs.submit(session, ComputePlan(plan_id=plan_id), subject=subject_of(plan_id), key=key)
    if job.payload["plan_id"] != plan_id:  # the same request was made before, under the same key
        return get_plan(session, job.payload["plan_id"]), job
    plan = Plan(
        id=plan_id,
        state=PlanState.COMPUTING,
        grace_seconds=int(grace.total_seconds()),
        young_since=youth.young_since,
        jobs_since=youth.jobs_since,
        executable_at=now + grace,
        roots=[],
        receipt={},
        created_at=now,
        created_by=session.actor.name,
    )
    session.add(plan)
    session.flush()
    return plan, job


def begin_plan(session: WriteSession, *, plan_id: str) -> Plan:
    """The plan's job starts, or starts again: what it had written down goes, unless it had come to its end."""
    plan = get_plan(session, plan_id, lock=True)
    if plan.state == PlanState.READY:
        return plan
    if plan.state != PlanState.COMPUTING:
        _move(plan, PlanState.COMPUTING)
    for model in (PlanContent, PlanPack):
        session.execute(delete(model).where(model.plan_id == plan_id))
    plan.contents = plan.content_bytes = 0
    return plan


def add_found(session: WriteSession, *, plan_id: str, found: Sequence[Found]) -> None:
    plan = get_plan(session, plan_id, lock=True)
    if found:
        session.execute(insert(PlanContent), [_row_of(plan_id, one) for one in found])
    plan.contents += len(found)
    plan.content_bytes += sum(one.content.size for one in found)


def _row_of(plan_id: str, found: Found) -> dict[str, Any]:
    content = found.content
    return {
        "plan_id": plan_id,
        "digest": content.digest,
        "size": content.size,
        "origin": found.origin,
        "last_needed_at": max(content.needed_at, found.deleted_at or content.needed_at),
    }


def record_plan(session: WriteSession, *, plan_id: str, packs: Iterable[PackFacts], summary: Summary) -> Plan:
    """The plan is complete."""
    plan = get_plan(session, plan_id, lock=True)
    plan.packs = plan.orphans = plan.freed_bytes = 0
    for one in packs:
        session.add(
            PlanPack(
                plan_id=plan_id,
                pack_id=one.pack_id,
                size=one.size,
                chunks=one.chunks,
                dead_chunks=one.dead_chunks,
                dead_bytes=one.dead_bytes,
                fate=one.fate,
            )
        )
        plan.packs += one.fate != Fate.UNNAMED
        plan.orphans += one.fate == Fate.UNNAMED
        plan.freed_bytes += {Fate.KEPT: 0, Fate.COMPACTED: one.dead_bytes}.get(one.fate, one.size)
    _move(plan, PlanState.READY)
    plan.reason = ""
    plan.roots, plan.chunks = summary.roots, summary.chunks
    plan.computed_at = session.now()
    session.flush()
    emit(
        session,
        CollectionPlanned(
            subject=subject_of(plan_id),
            plan_id=plan_id,
            contents=plan.contents,
            chunks=plan.chunks,
            freed_bytes=plan.freed_bytes,
        ),
    )
    return plan


def execute(session: WriteSession, *, plan_id: str) -> Job:
    """Order the deletion. Refused before the grace period is over, and while another plan is being executed."""
    plan = get_plan(session, plan_id, lock=True)
    resumed = plan.state == PlanState.FAILED and plan.executed_at is not None
    if plan.state != PlanState.READY and not resumed:
        raise PlanNotReady(f"The plan is {plan.state}, not ready.", where="plan_id", fix="Make a new plan.")
    if session.now() < plan.executable_at:
        raise GracePeriod(
            f"The plan can be executed from {plan.executable_at:%Y-%m-%d %H:%M:%S} UTC on.",
            where="executable_at",
            fix="Wait: until then anyone may pin a version, or push its content again.",
        )
    _refuse_another(session, plan)
    _start(session, plan)
    return jobs.submit(session, ExecutePlan(plan_id=plan_id), subject=subject_of(plan_id))


def begin_execution(session: WriteSession, *, plan_id: str) -> Plan:
    """The deleting job starts, or goes on: as it is, or after it had failed and somebody retried it.

    A plan that is done already stays so: its job died between that and its own end.
    """
    plan = get_plan(session, plan_id, lock=True)
    if plan.state == PlanState.FAILED and plan.executed_at is not None:
        _refuse_another(session, plan)
        _start(session, plan)
    if plan.state not in {PlanState.EXECUTING, PlanState.DONE}:
        raise PlanNotReady(f"The plan is {plan.state}, not executing.", where="plan_id")
    return plan


def add_to_receipt(plan: Plan, **counts: int) -> None:
    """Count what went, in the transaction in which it goes. `plan` is locked."""
    plan.receipt = {name: plan.receipt.get(name, 0) + counts.get(name, 0) for name in _NOTHING}


def finish_execution(session: WriteSession, *, plan_id: str) -> Plan:
    plan = get_plan(session, plan_id, lock=True)
    _move(plan, PlanState.DONE)
    plan.ended_at = session.now()
    receipt = plan.receipt
    emit(
        session,
        CollectionDone(
            subject=subject_of(plan_id),
            plan_id=plan_id,
            contents=receipt["contents"],
            chunks=receipt["chunks"],
            packs=receipt["packs"] + receipt["orphans"],
            freed_bytes=receipt["freed_bytes"],
        ),
    )
    if retired_packs(session, before=session.now()):
        delete_retired_later(session)
    return plan


def cancel(session: WriteSession, *, plan_id: str, reason: str = "asked by a person") -> Plan:
    """A plan that is not being executed will not be."""
    plan = get_plan(session, plan_id, lock=True)
    if not may_move(plan.state, PlanState.CANCELLED):
        raise PlanNotReady(f"The plan is {plan.state} and cannot be cancelled.", where="plan_id")
    _move(plan, PlanState.CANCELLED)
    plan.reason, plan.ended_at = reason, session.now()
    emit(session, CollectionCancelled(subject=subject_of(plan_id), plan_id=plan_id, reason=reason))
    return plan


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    """A plan whose job ended without a result has failed; what was deleted stays deleted, and the rest whole."""
    if event.kind not in {ComputePlan.kind(), ExecutePlan.kind()}:
        return
    plan = get_plan(session, session.get_one(Job, event.job_id).payload["plan_id"], lock=True)
    if plan.state in {PlanState.COMPUTING, PlanState.EXECUTING}:
        _move(plan, PlanState.FAILED)
        plan.reason = event.reason
        emit(session, CollectionFailed(subject=subject_of(plan.id), plan_id=plan.id, reason=event.reason))


def repack_if_scattered(session: WriteSession) -> Job | None:
    """Order a repacking when there are too many small packs; one at a time, and not twice for the same packs."""
    count, newest = newest_small_pack(session)
    if count <= MOST_SMALL_PACKS or has_unfinished(session, RepackStore):
        return None
    return jobs.submit(session, RepackStore(), subject="gc/packs", key=f"repack:{newest}")


def compress_if_loose(session: WriteSession) -> Job | None:
    """Order the compression of what large pushes left as it came; one at a time, and not twice for the same packs."""
    newest = newest_loose_pack(session)
    if newest is None or has_unfinished(session, CompressPacks):
        return None
    return jobs.submit(session, CompressPacks(), subject="gc/packs", key=f"compress:{newest}")


def delete_retired_later(session: WriteSession) -> Job | None:
    """Order the deletion of rewritten packs, for when no reader can be on its way to them."""
    return jobs.submit(session, DeleteRetiredPacks(), subject="gc/packs", delay_seconds=READERS_SECONDS)


def _start(session: WriteSession, plan: Plan) -> None:
    _move(plan, PlanState.EXECUTING)
    plan.receipt = plan.receipt or dict(_NOTHING)
    plan.executed_at, plan.executed_by, plan.reason = session.now(), session.actor.name, ""
    try:
        session.flush()
    except IntegrityError as error:  # another one was started between the look above and here
        raise _under_way("Another plan") from error
    emit(session, CollectionStarted(subject=subject_of(plan.id), plan_id=plan.id))


def _refuse_another(session: WriteSession, plan: Plan) -> None:
    other = session.scalar(select(Plan.id).where(Plan.state == PlanState.EXECUTING, Plan.id != plan.id))
    if other is not None:
        raise _under_way(f"The plan {other}")


def _under_way(which: str) -> CollectionUnderWay:
    return CollectionUnderWay(f"{which} is being executed.", where="plan_id", fix="Wait until it is done.")


def _move(plan: Plan, state: PlanState) -> None:
    if not may_move(plan.state, state):
        raise PlanNotReady(f"A plan cannot go from {plan.state} to {state}.", where="state")
    plan.state = state
