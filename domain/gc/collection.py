"""The deleting itself, one short transaction a step. Each looks again before it deletes, and each may be repeated.

The order is what makes a crash harmless: contents, then the chunks that nothing is made of any more, then packs that
hold nothing. A step that was cut short has happened or has not; what comes after it is found again by looking.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.orm import aliased

from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import batched
from domain.contents.service import Row
from domain.db import AnySession, WriteSession
from domain.events.service import emit
from domain.gc import reach, roots
from domain.gc.events import ContentsDeleted, StoreRepacked
from domain.gc.models import Plan, PlanContent, PlanPack
from domain.gc.queries import get_plan
from domain.gc.reach import Fate
from domain.gc.service import add_to_receipt, subject_of


def delete_contents(
    session: WriteSession, *, plan_id: str, digests: Sequence[str], listings: roots.Listings
) -> dict[str, str]:
    """Delete those of the plan's contents that still nothing needs; gives the others, with the reason.

    Raises `UnreadListings` before anything is changed.
    """
    plan = get_plan(session, plan_id, lock=True)
    # What somebody holds at this moment is about to be part of something. Sorted: nobody waits crosswise.
    query = select(Content.digest, Content.needed_at, Content.size).where(Content.digest.in_(digests))
    query = query.order_by(Content.digest).with_for_update(skip_locked=True)
    rows = {row.digest: row for row in session.execute(query)}
    youth = roots.youth(session, now=session.now(), grace=timedelta(seconds=plan.grace_seconds))
    needed = roots.needed(session, digests, listings)
    kept, gone = dict[str, str](), list[str]()
    for digest in digests:
        row = rows.get(digest)
        if row is None:
            kept[digest] = "it is gone already, or being used at this moment"
            continue
        kinds = reach.kept_by(
            digest, row.needed_at, needed=needed, young_since=youth.young_since, jobs_since=youth.jobs_since
        )
        if kinds:
            kept[digest] = f"needed by {', '.join(kinds)}"
        else:
            gone.append(digest)
    session.execute(delete(Content).where(Content.digest.in_(gone)))
    planned = update(PlanContent).where(PlanContent.plan_id == plan_id)
    session.execute(planned.where(PlanContent.digest.in_(gone)).values(outcome="deleted"))
    for reason in set(kept.values()):
        some = [digest for digest, why in kept.items() if why == reason]
        session.execute(planned.where(PlanContent.digest.in_(some)).values(outcome="skipped", reason=reason))
    add_to_receipt(plan, contents=len(gone), content_bytes=sum(rows[digest].size for digest in gone), skipped=len(kept))
    if gone:
        emit(session, ContentsDeleted(subject=subject_of(plan_id), plan_id=plan_id, digests=gone))
    return kept


def condemn(session: WriteSession, *, plan_id: str, chunks: Sequence[bytes]) -> None:
    """Announce that these chunks will go. From here on whoever comes to need one says so in its row.

    Chunks that a writer has locked are being needed: they are left out.
    """
    query = select(Chunk.digest).where(Chunk.digest.in_(chunks)).order_by(Chunk.digest)
    free = list(session.scalars(query.with_for_update(skip_locked=True)))
    session.execute(update(Chunk).where(Chunk.digest.in_(free)).values(condemned=plan_id))


def pardon(session: WriteSession, *, plan_id: str, chunks: Collection[bytes] | None = None) -> None:
    """Take the announcement back, for these chunks or for all of the plan."""
    if chunks is None:
        session.execute(update(Chunk).where(Chunk.condemned == plan_id).values(condemned=None))
        return
    for some in batched(sorted(chunks)):
        session.execute(update(Chunk).where(Chunk.digest.in_(some), Chunk.condemned == plan_id).values(condemned=None))


def condemned(session: AnySession, plan_id: str) -> set[bytes]:
    return set(session.scalars(select(Chunk.digest).where(Chunk.condemned == plan_id)))


def delete_chunks(session: WriteSession, *, plan_id: str, chunks: Sequence[bytes]) -> int:
    """Delete those of the chunks that are still condemned, and that no chunk in the index is a difference from."""
    query = select(Chunk.digest, Chunk.pack_id).where(Chunk.digest.in_(chunks), Chunk.condemned == plan_id)
    rows = session.execute(query.order_by(Chunk.digest).with_for_update(skip_locked=True)).all()
    difference = aliased(Chunk)
    gone = session.scalars(
        delete(Chunk)
        .where(
            Chunk.digest.in_([row.digest for row in rows]),
            ~exists().where(difference.base == Chunk.digest),
        )
        .returning(Chunk.digest),
        execution_options={"synchronize_session": False},
    ).all()
    plan = get_plan(session, plan_id, lock=True)
    add_to_receipt(plan, chunks=len(gone))
    _note_packs(session, plan, {row.pack_id for row in rows})
    return len(gone)


def delete_pack(session: WriteSession, *, plan_id: str, pack_id: str) -> bool:
    """Forget a pack that holds nothing and whose bytes are gone; False when something is in it after all."""
    plan = get_plan(session, plan_id, lock=True)
    size = _forget_pack(session, pack_id)
    if size is not None:
        add_to_receipt(plan, packs=1, freed_bytes=size)
        _settle(session, plan_id, pack_id, Fate.DELETED)
    return size is not None


def retire_empty(session: WriteSession, *, pack_id: str) -> bool:
    """Close a pack that holds nothing, so that its bytes can be deleted; False when it holds something."""
    return bool(_retire(session, [pack_id]))


def leave_pack(session: WriteSession, *, plan_id: str, pack_id: str) -> None:
    """The pack stays as it is, unless something has become of it."""
    session.execute(
        update(PlanPack)
        .where(PlanPack.plan_id == plan_id, PlanPack.pack_id == pack_id, PlanPack.outcome == "planned")
        .values(outcome=Fate.KEPT)
    )


def count_orphan(session: WriteSession, *, plan_id: str, pack: PlanPack) -> None:
    """The bytes of a pack that no row named are gone."""
    add_to_receipt(get_plan(session, plan_id, lock=True), orphans=1, freed_bytes=pack.size)
    _settle(session, plan_id, pack.pack_id, Fate.DELETED)


def move_compacted(
    session: WriteSession, *, plan_id: str, source: str, packs: Sequence[Row], chunks: Sequence[Row], freed: int
) -> None:
    """The living frames of `source` lie in another pack now; its bytes go when no reader is on its way to them."""
    plan = get_plan(session, plan_id, lock=True)
    _move_chunks(session, packs=packs, chunks=chunks, sources=[source])
    add_to_receipt(plan, compacted=1, later_bytes=freed)
    _settle(session, plan_id, source, Fate.COMPACTED)


def move_repacked(session: WriteSession, *, sources: Sequence[str], packs: Sequence[Row], chunks: Sequence[Row]) -> int:
    """What lay in many packs lies in few; gives how many of the many are empty now."""
    before = dict(session.execute(select(Pack.id, Pack.size).where(Pack.id.in_(sources))).all())
    retired = _move_chunks(session, packs=packs, chunks=chunks, sources=sources)
    emit(
        session,
        StoreRepacked(
            subject="gc/packs",
            packs_before=len(retired),
            packs_after=len(packs),
            bytes_before=sum(before[one] for one in retired),
            bytes_after=sum(pack["size"] for pack in packs),
        ),
    )
    return len(retired)


def forget_retired(session: WriteSession, *, pack_ids: Sequence[str]) -> int:
    """Forget rewritten packs whose bytes are gone; gives the bytes."""
    return sum(_forget_pack(session, pack_id) or 0 for pack_id in pack_ids)


def _move_chunks(
    session: WriteSession, *, packs: Sequence[Row], chunks: Sequence[Row], sources: Sequence[str]
) -> list[str]:
    """Point chunks at their new places, unless they have moved or gone since (`source` says where each was)."""
    # As old as the youngest that is in it: nothing loses its grace period by being moved, nor gains a new one.
    made = max(session.scalars(select(Pack.created_at).where(Pack.id.in_(sources))), default=session.now())
    session.add_all(Pack(**pack, created_at=made) for pack in packs)
    session.flush()
    if chunks:
        move = (
            update(Chunk)
            .where(Chunk.digest == bindparam("moved"), Chunk.pack_id == bindparam("source"))
            .values(
                {name: bindparam(f"new_{name}") for name in ("pack_id", "offset", "stored", "encoding", "base", "skip")}
            )
        )
        session.connection().execute(move, [_move_of(chunk) for chunk in sorted(chunks, key=lambda row: row["digest"])])
    return _retire(session, sources)


def _move_of(chunk: Row) -> dict[str, Any]:
    places = {f"new_{name}": chunk[name] for name in ("pack_id", "offset", "stored", "encoding", "base", "skip")}
    return {"moved": chunk["digest"], "source": chunk["source"], **places}


def _retire(session: WriteSession, pack_ids: Sequence[str]) -> list[str]:
    empty = ~exists().where(Chunk.pack_id == Pack.id)
    query = update(Pack).where(Pack.id.in_(pack_ids), empty).values(retired_at=_kept_or(session.now()))
    return list(session.scalars(query.returning(Pack.id), execution_options={"synchronize_session": False}))


def _kept_or(now: datetime) -> Any:
    return func.coalesce(Pack.retired_at, now)


def _forget_pack(session: WriteSession, pack_id: str) -> int | None:
    empty = ~exists().where(Chunk.pack_id == Pack.id)
    return session.scalar(
        delete(Pack).where(Pack.id == pack_id, Pack.retired_at.is_not(None), empty).returning(Pack.size),
        execution_options={"synchronize_session": False},
    )


def _note_packs(session: WriteSession, plan: Plan, pack_ids: set[str]) -> None:
    """Packs that came to hold the plan's chunks since it was made."""
    known = set(
        session.scalars(select(PlanPack.pack_id).where(PlanPack.plan_id == plan.id, PlanPack.pack_id.in_(pack_ids)))
    )
    for pack_id in sorted(pack_ids - known):
        session.add(
            PlanPack(plan_id=plan.id, pack_id=pack_id, size=0, chunks=0, dead_chunks=0, dead_bytes=0, fate=Fate.KEPT)
        )
    session.flush()


def _settle(session: WriteSession, plan_id: str, pack_id: str, fate: Fate) -> None:
    session.execute(
        update(PlanPack).where(PlanPack.plan_id == plan_id, PlanPack.pack_id == pack_id).values(outcome=fate)
    )
