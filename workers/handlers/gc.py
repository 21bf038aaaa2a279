"""Collections: make a plan, execute it, give back what rewritten packs still hold; and the repacking of small packs."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.chunk_store.packs import pack_key
from adapters.chunk_store.rewriting import Rewritten, compact, merge, tighten
from adapters.object_store.protocol import ObjectMissing, StoreDamaged
from adapters.runtime import Runtime
from domain.contents import service as contents
from domain.contents.models import Pack
from domain.contents.queries import batched
from domain.db import AnySession
from domain.gc import collection, marks, queries, reach, roots, service
from domain.gc.jobs import CompressPacks, ComputePlan, DeleteRetiredPacks, ExecutePlan, RepackStore
from domain.gc.reach import Fate, RootKind
from domain.gc.states import PlanState
from workers.run import RunningJob
from workers.toolbox import Toolbox

_CONTENTS = 500
"""Contents that are looked at, or deleted, in one transaction."""
_CHUNKS = 2_000
_MERGED = 64 * 2**20
"""Bytes of small packs that are merged at once."""
_PACKS = 100
_PACKS_READ = 256
_ID = 36
_UNNAMED_SECONDS = 3600
"""A pack without a row is left alone for so long, however short the grace period: its row may be on the way."""


@dataclass(frozen=True)
class _Looked:
    """A page of contents: what nothing needs; kinds and size of what is needed; where the next page begins."""

    found: list[service.Found]
    keeping: list[tuple[list[str], int]]
    last: str


class UnreadableListing(StoreDamaged):
    """Without it nobody knows what it names, so nothing may be collected."""

    code = "unreadable_listing"


def compute_plan(job: RunningJob[ComputePlan], tools: Toolbox) -> dict[str, object]:
    """List what nothing needs, and count what keeps the rest."""
    runtime, plan_id = tools.runtime, job.spec.plan_id
    with job.transaction() as session:
        plan = service.begin_plan(session, plan_id=plan_id)
        if plan.state == PlanState.READY:
            return {"contents": plan.contents, "chunks": plan.chunks, "freed_bytes": plan.freed_bytes}
        youth = roots.Youth(plan.young_since, plan.jobs_since)
    job.stage("contents")
    listings = dict[str, frozenset[str]]()
    kept = defaultdict[str, list[int]](lambda: [0, 0])
    after = ""
    while page := _look_at(runtime, after, youth, listings):
        after = page.last
        for kinds, size in page.keeping:
            for kind in [*kinds, "all"]:
                kept[kind][0] += 1
                kept[kind][1] += size
        with job.transaction() as session:
            service.add_found(session, plan_id=plan_id, found=page.found)
        job.progress(0.1, f"{kept['all'][0]:,} contents are needed")
    job.stage("chunks")
    with runtime.reading() as session:
        going = queries.planned_digests(session, plan_id)
        counted = roots.counts(session)
        dead = marks.dead_chunks(
            session, before=youth.cutoff, going=going, told=lambda done: job.progress(0.2 + 0.6 * done, "chunks")
        )
        packs = list(marks.packs_with(session, dead, before=youth.cutoff))
    job.stage("packs")
    packs += _unnamed(runtime, youth.cutoff)
    proof: list[dict[str, Any]] = [
        {"kind": kind, "looked_at": counted.get(kind), "keeps": kept[kind][0], "bytes": kept[kind][1]}
        for kind in RootKind
    ]
    summary = service.Summary(
        roots=[*proof, {"kind": "all", "looked_at": None, "keeps": kept["all"][0], "bytes": kept["all"][1]}],
        chunks=len(dead),
    )
    job.stage("record")
    with job.transaction() as session:
        plan = service.record_plan(session, plan_id=plan_id, packs=packs, summary=summary)
        return {"contents": plan.contents, "chunks": plan.chunks, "freed_bytes": plan.freed_bytes}


def execute_plan(job: RunningJob[ExecutePlan], tools: Toolbox) -> dict[str, object]:
    """Look again and delete. Every step may be cut short and repeated; the plan remembers how far it came."""
    plan_id = job.spec.plan_id
    with job.transaction() as session:
        plan = service.begin_execution(session, plan_id=plan_id)
        if plan.state == PlanState.DONE:
            return dict(plan.receipt)
        before = roots.Youth(plan.young_since, plan.jobs_since).cutoff
    job.stage("contents")
    job.progress(0.0, "contents")
    _delete_contents(job, tools.runtime, plan_id)
    job.stage("chunks")
    job.progress(0.2, "chunks")
    _delete_chunks(job, tools.runtime, plan_id, before)
    job.stage("packs")
    job.progress(0.6, "packs")
    _settle_packs(job, tools.runtime, plan_id)
    job.stage("record")
    with job.transaction() as session:
        return dict(service.finish_execution(session, plan_id=plan_id).receipt)


def delete_retired_packs(job: RunningJob[DeleteRetiredPacks], tools: Toolbox) -> dict[str, object]:
    """Delete the bytes of packs that hold nothing any more, when they have been so for long enough."""
    runtime = tools.runtime
    with runtime.reading() as session:
        # A little less than the readers' time: this job was put off by just that much.
        before = runtime.clock() - timedelta(seconds=service.READERS_SECONDS * 0.95)
        retired = queries.retired_packs(session, before=before)
    job.stage("delete")
    freed = 0
    for some in batched(retired, _PACKS):
        for pack_id in some:
            runtime.data.delete(pack_key(pack_id))
        with job.transaction() as session:
            freed += collection.forget_retired(session, pack_ids=some)
    return {"packs": len(retired), "freed_bytes": freed}


def repack_store(job: RunningJob[RepackStore], tools: Toolbox) -> dict[str, object]:
    """Merge small packs, some at a time. One that is damaged is left to `millrace data verify`."""
    runtime = tools.runtime
    with runtime.reading() as session:
        small = queries.small_packs(session, limit=100_000)
    job.stage("merge")
    before = after = 0
    for number, some in enumerate(_by_size(small)):
        job.progress(number * _PACKS_READ / len(small), f"{before} packs merged")
        done = _merge(job, runtime, some)
        if done is not None:
            before, after = before + done[0], after + done[1]
    if before:
        with job.transaction() as session:
            service.delete_retired_later(session)
    return {"packs_before": before, "packs_after": after}


def compress_packs(job: RunningJob[CompressPacks], tools: Toolbox) -> dict[str, object]:
    """Compress loose packs one by one, the oldest first. One that is damaged is left to `millrace data verify`."""
    runtime = tools.runtime
    with runtime.reading() as session:
        loose = queries.loose_packs(session)
    packs = before = after = 0
    for number, pack in enumerate(loose):
        job.progress(number / len(loose), f"{number} of {len(loose)} packs compressed")
        size = _tighten(job, runtime, pack)
        if size is not None:
            packs, before, after = packs + 1, before + pack.size, after + size
    if packs:
        with job.transaction() as session:
            service.delete_retired_later(session)
    return {"packs": packs, "bytes_before": before, "bytes_after": after}


def repack_when_scattered(tools: Toolbox) -> None:
    """Each tick: too many small packs are merged by a job."""
    with tools.runtime.transaction() as session:
        service.repack_if_scattered(session)


def compress_when_loose(tools: Toolbox) -> None:
    """Each tick: what large pushes left as it came is compressed by a job."""
    with tools.runtime.transaction() as session:
        service.compress_if_loose(session)


def _look_at(runtime: Runtime, after: str, youth: roots.Youth, listings: dict[str, frozenset[str]]) -> _Looked | None:
    """The next contents: those that nothing needs, and of the others what needs them; None at the end."""
    try:
        with runtime.reading() as session:
            page = queries.contents_after(session, after, limit=_CONTENTS * 4)
            return _judged(session, page, youth, listings) if page else None
    except roots.UnreadListings as unread:
        _read_listings(runtime, unread.digests, listings)
    return _look_at(runtime, after, youth, listings)


def _judged(
    session: AnySession, page: list[queries.Candidate], youth: roots.Youth, listings: dict[str, frozenset[str]]
) -> _Looked:
    needed = roots.needed(session, [one.digest for one in page], listings)
    going, keeping = list[queries.Candidate](), list[tuple[list[str], int]]()
    for one in page:
        kinds = reach.kept_by(
            one.digest, one.needed_at, needed=needed, young_since=youth.young_since, jobs_since=youth.jobs_since
        )
        if kinds:
            keeping.append(([str(kind) for kind in kinds], one.size))
        else:
            going.append(one)
    known = roots.origins(session, [one.digest for one in going])
    unknown = ("no version has had it", None)
    found = [service.Found(one, *known.get(one.digest, unknown)) for one in going]
    return _Looked(found, keeping, page[-1].digest)


def _delete_contents(job: RunningJob[ExecutePlan], runtime: Runtime, plan_id: str) -> None:
    listings = dict[str, frozenset[str]]()
    while True:
        with runtime.reading() as session:
            digests = queries.planned_contents(session, plan_id, limit=_CONTENTS)
        if not digests:
            return
        try:
            with job.transaction() as session:
                collection.delete_contents(session, plan_id=plan_id, digests=digests, listings=listings)
        except roots.UnreadListings as unread:
            _read_listings(runtime, unread.digests, listings)


def _delete_chunks(job: RunningJob[ExecutePlan], runtime: Runtime, plan_id: str, before: datetime) -> None:
    """Condemn what is dead, look again, and delete what nobody has come to need in between.

    Writers say in the row of a condemned chunk that they need it; those that were faster than the announcement are seen
    by the second look, which begins when they have ended.
    """
    with runtime.reading() as session:
        dead = marks.dead_chunks(session, before=before)
    for some in batched(sorted(dead), _CHUNKS):
        with job.transaction() as session:
            collection.condemn(session, plan_id=plan_id, chunks=some)
    with runtime.reading() as session:
        condemned = collection.condemned(session, plan_id)
        needed = marks.reached(session, condemned)
    if needed:
        with job.transaction() as session:
            collection.pardon(session, plan_id=plan_id, chunks=needed)
    condemned -= needed
    # Differences first: what they are from goes only when no difference is left in the index.
    with runtime.reading() as session:
        differences = marks.differences_of(session, condemned)
    deleted = 0
    for chunks in (differences, condemned - differences):
        for some in batched(sorted(chunks), _CHUNKS):
            with job.transaction() as session:
                deleted += collection.delete_chunks(session, plan_id=plan_id, chunks=some)
            job.progress(0.2 + 0.4 * deleted / len(condemned), f"{deleted:,} chunks deleted")
    with job.transaction() as session:
        collection.pardon(session, plan_id=plan_id)


def _settle_packs(job: RunningJob[ExecutePlan], runtime: Runtime, plan_id: str) -> None:
    """Delete the packs that hold nothing any more, rewrite those that hold little."""
    with runtime.reading() as session:
        packs = queries.planned_packs(session, plan_id)
    for number, planned in enumerate(packs):
        job.progress(0.6 + 0.4 * number / len(packs), f"{number} of {len(packs)} packs")
        with runtime.reading() as session:
            pack = session.get(Pack, planned.pack_id)
            fate = marks.facts_of(session, pack).fate if pack is not None else planned.fate
        if pack is None and fate == Fate.UNNAMED:
            runtime.data.delete(pack_key(planned.pack_id))
            with job.transaction() as session:
                collection.count_orphan(session, plan_id=plan_id, pack=planned)
        elif pack is not None and fate == Fate.DELETED:
            _delete_empty(job, runtime, plan_id, pack)
        elif pack is not None and fate == Fate.COMPACTED and pack.retired_at is None and not pack.loose:
            _compact(job, runtime, plan_id, pack)
        with job.transaction() as session:
            collection.leave_pack(session, plan_id=plan_id, pack_id=planned.pack_id)


def _delete_empty(job: RunningJob[ExecutePlan], runtime: Runtime, plan_id: str, pack: Pack) -> None:
    with job.transaction() as session:
        empty = collection.retire_empty(session, pack_id=pack.id)
    if empty:
        runtime.data.delete(pack_key(pack.id))
        with job.transaction() as session:
            collection.delete_pack(session, plan_id=plan_id, pack_id=pack.id)


def _compact(job: RunningJob[ExecutePlan], runtime: Runtime, plan_id: str, pack: Pack) -> None:
    with runtime.reading() as session:
        living = queries.rows_of(session, pack.id)
    try:
        new = compact(runtime.data, pack.id, living)
    except (StoreDamaged, ObjectMissing) as error:
        job.log(f"{error.message} It is left as it is.", level="warning")
        return
    # Should this fail, the new pack stays, to be found without a row: a commit without an answer may have happened.
    with job.transaction() as session:
        collection.move_compacted(
            session,
            plan_id=plan_id,
            source=pack.id,
            packs=new.packs,
            chunks=new.chunks,
            freed=pack.size - new.size,
        )


def _merge(job: RunningJob[RepackStore], runtime: Runtime, some: list[Pack]) -> tuple[int, int] | None:
    """How many packs became how many; None where it was not worth it, or one is damaged."""
    with runtime.reading() as session:
        living = {pack.id: queries.rows_of(session, pack.id) for pack in some}
    new = _merged(job, runtime, living)
    if new is None:
        return None
    with job.transaction() as session:  # should it fail: as in `_compact`
        merged = collection.move_repacked(
            session, sources=[pack.id for pack in some], packs=new.packs, chunks=new.chunks
        )
    return merged, len(new.packs)


def _tighten(job: RunningJob[CompressPacks], runtime: Runtime, pack: Pack) -> int | None:
    """The bytes that the pack came to; None where it is damaged."""
    with runtime.reading() as session:
        living = queries.rows_of(session, pack.id)
    try:
        new = tighten(runtime.data, pack.id, living, runtime.contents.alike)
    except (StoreDamaged, ObjectMissing) as error:
        job.log(f"{error.message} It is left as it is.", level="warning")
        return None
    with job.transaction() as session:  # should it fail: as in `_compact`
        contents.record(session, relied_on=new.relied_on)
        collection.move_repacked(session, sources=[pack.id], packs=new.packs, chunks=new.chunks)
    return new.size


def _merged(job: RunningJob[RepackStore], runtime: Runtime, living: dict[str, dict[bytes, int]]) -> Rewritten | None:
    """The packs as fewer ones, without those that cannot be read."""
    while len(living) > 1:
        try:
            return merge(runtime.data, living)
        except (StoreDamaged, ObjectMissing) as error:
            job.log(f"{error.message} It is left as it is.", level="warning")
            bad = next((pack_id for pack_id in living if pack_key(pack_id) == error.where), None)
            if bad is None:
                raise
            living = {pack_id: rows for pack_id, rows in living.items() if pack_id != bad}
    return None


def _by_size(packs: list[Pack]) -> Iterator[list[Pack]]:
    """Packs that together fill about one."""
    some: list[Pack] = []
    size = 0
    for pack in packs:
        if some and (size + pack.size > _MERGED or len(some) >= _PACKS_READ * 4):
            yield some
            some, size = [], 0
        some.append(pack)
        size += pack.size
    if len(some) > 1:
        yield some


def _unnamed(runtime: Runtime, before: datetime) -> Iterator[marks.PackFacts]:
    """Packs in the store that no row names, left by a process that died before it was written."""
    old = min(before.timestamp(), runtime.clock().timestamp() - _UNNAMED_SECONDS)
    packs = ((found.key.rpartition("/")[2], found) for found in runtime.data.list("packs") if found.modified < old)
    for some in batched(
        ((pack_id, found.size) for pack_id, found in packs if found.key == pack_key(pack_id)), _CONTENTS
    ):
        with runtime.reading() as session:
            known = queries.known_packs(session, [pack_id for pack_id, _ in some])
        for pack_id, size in some:
            if pack_id not in known and len(pack_id) == _ID:
                yield marks.PackFacts(pack_id, size, chunks=0, dead_chunks=0, dead_bytes=size, fate=Fate.UNNAMED)


def _read_listings(runtime: Runtime, digests: Any, listings: dict[str, frozenset[str]]) -> None:
    """What the pushed folders hold; one that cannot be read stops the collection."""
    for digest in sorted(digests):
        try:
            entries = json.loads(runtime.contents.read(digest))
            listings[digest] = frozenset(str(entry["md5"]) for entry in entries)
        except (ObjectMissing, StoreDamaged, ValueError, TypeError, KeyError) as error:
            raise UnreadableListing(
                f"The listing {digest} of a pushed folder cannot be read: {error}",
                where=digest,
                fix="Push the folder again, or run `dvc gc -c` in its repository.",
            ) from error
