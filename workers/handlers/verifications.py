"""Verifications: packs are read and hashed side by side; what is wrong is traced to the files it was part of."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import md5
from itertools import islice
from typing import TypeVar

from adapters.chunk_store.scrub import Scrubbed, scrub_pack
from adapters.object_store.protocol import ObjectMissing, StoreDamaged
from adapters.runtime import Runtime
from domain.contents.queries import batched, places_of
from domain.verifications import queries, service
from domain.verifications.jobs import VerifyStore
from domain.verifications.specs import Damage, DamageKind
from domain.verifications.states import VerificationState
from workers.run import RunningJob
from workers.toolbox import Toolbox

T = TypeVar("T")
R = TypeVar("R")

_CONTENTS = 500
_SHOWN = 1_000
"""Names of what is affected that one finding keeps."""


@dataclass
class _Reading:
    """What has been read so far."""

    packs: int = 0
    chunks: int = 0
    bytes: int = 0
    contents: int = 0
    found: list[Damage] = field(default_factory=list)


def verify_store(job: RunningJob[VerifyStore], tools: Toolbox) -> dict[str, object]:
    """Read the packs of the whole store, or those that hold what the verification is about."""
    runtime = tools.runtime
    with job.transaction() as session:
        verification = service.begin(session, verification_id=job.spec.verification_id)
        scope, deep = verification.scope, verification.deep
        if verification.state != VerificationState.RUNNING:
            return {"state": str(verification.state), "findings": verification.findings}
    reading = _Reading()
    job.stage("packs")
    _read_packs(job, runtime, scope, reading, share=0.5 if deep else 0.9)
    job.stage("contents")
    _look_at_contents(runtime, scope, reading)
    if scope is None:
        _look_for_unknown(runtime, reading)
    if deep:
        _read_contents(job, runtime, scope, reading)
    job.stage("trace")
    job.progress(0.95, "tracing" if reading.found else "")
    found = _traced(runtime, reading.found)
    job.stage("record")
    with job.transaction() as session:
        verification = service.record(
            session,
            verification_id=job.spec.verification_id,
            packs=reading.packs,
            chunks=reading.chunks,
            bytes_read=reading.bytes,
            contents=reading.contents,
            found=found,
        )
        return {"state": str(verification.state), "findings": verification.findings}


def _read_packs(
    job: RunningJob[VerifyStore], runtime: Runtime, scope: str | None, reading: _Reading, *, share: float
) -> None:
    wanted = _chunks_in_scope(runtime, scope)
    with runtime.reading() as session:
        packs = queries.packs_in_use(session) if wanted is None else queries.packs_of(session, wanted)

    def scrub(pack: tuple[str, int]) -> Scrubbed:
        with runtime.reading() as session:
            places = queries.places_in(session, pack[0])
        if wanted is not None:
            places = [place for place in places if place.digest in wanted]
        if not places:
            # Rewritten since the list was made: what it held has been read elsewhere, or is not wanted.
            return Scrubbed()
        result = scrub_pack(runtime.data, *pack, places, runtime.contents.chunks)
        return result if not result.found else _still(runtime, result)

    total = sum(size for _, size in packs) or 1
    done = 0
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="verify") as pool:
        for (_, size), result in _in_order(pool, scrub, packs):
            done += size
            reading.packs += 1
            reading.chunks += result.chunks
            reading.bytes += result.bytes
            reading.found += result.found
            job.progress(share * done / total, f"{reading.packs} of {len(packs)} packs")


def _still(runtime: Runtime, result: Scrubbed) -> Scrubbed:
    """Without what was deleted or moved while it was read: that is no damage."""
    found = []
    for damage in result.found:
        chunks = [bytes.fromhex(chunk) for chunk in damage.chunks]
        with runtime.reading() as session:
            places = places_of(session, chunks)
        here = [chunk for chunk in chunks if chunk in places and places[chunk].pack_id == damage.pack_id]
        if here or not chunks:
            found.append(damage.model_copy(update={"chunks": [chunk.hex() for chunk in here]}))
    result.found = found
    return result


def _chunks_in_scope(runtime: Runtime, scope: str | None) -> set[bytes] | None:
    """The chunks to read and those they are differences from; None: all of them."""
    if scope is None:
        return None
    with runtime.reading() as session:
        chunks = queries.chunks_of(session, list(queries.contents_of(session, scope)))
        return set(places_of(session, chunks))


def _look_at_contents(runtime: Runtime, scope: str | None, reading: _Reading) -> None:
    """Whether the index has all that the contents are made of, and the contents all that the versions have."""
    with runtime.reading() as session:
        for some in batched(list(queries.contents_of(session, scope)), _CONTENTS):
            reading.contents += len(some)
            for digest, chunks in queries.incomplete(session, some).items():
                detail = f"{len(chunks)} chunks of the content {digest} are not in the index."
                reading.found.append(
                    Damage(
                        kind=DamageKind.CHUNK_MISSING,
                        detail=detail,
                        content=digest,
                        chunks=[chunk.hex() for chunk in chunks[:_SHOWN]],
                    )
                )
        for digest in queries.files_without_content(session, scope):
            detail = f"The store does not know the content {digest}."
            reading.found.append(Damage(kind=DamageKind.CONTENT_MISSING, detail=detail, content=digest))


def _look_for_unknown(runtime: Runtime, reading: _Reading) -> None:
    """Packs that no row names: not damage, but room that a collection gives back."""
    for some in batched(runtime.data.list("packs"), _CONTENTS):
        with runtime.reading() as session:
            known = queries.known_packs(session, [found.key.rpartition("/")[2] for found in some])
        for found in some:
            pack_id = found.key.rpartition("/")[2]
            if pack_id not in known:
                detail = f"{found.key} ({found.size} bytes) is named by no row; a collection deletes it when it is old."
                reading.found.append(Damage(kind=DamageKind.UNKNOWN_PACK, detail=detail, pack_id=pack_id[:36]))


def _read_contents(job: RunningJob[VerifyStore], runtime: Runtime, scope: str | None, reading: _Reading) -> None:
    """Put every content together and compare its MD5; what is known to be broken is not tried."""
    broken = {damage.content for damage in reading.found}
    bad = {bytes.fromhex(chunk) for damage in reading.found for chunk in damage.chunks}
    with runtime.reading() as session:
        broken.update(digest for digests in queries.contents_with(session, bad).values() for digest in digests)
        digests = [digest for digest in queries.contents_of(session, scope) if digest not in broken]

    def differs(digest: str) -> str | None:
        found = md5(usedforsecurity=False)
        try:
            for chunk in runtime.contents.stream(digest):
                found.update(chunk)
        except StoreDamaged as error:
            return error.message
        except ObjectMissing:
            return None  # deleted since the list was made
        seen = found.hexdigest()
        return None if seen == digest.removesuffix(".dir") else f"Put together it has the MD5 {seen}."

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="verify") as pool:
        for number, (digest, why) in enumerate(_in_order(pool, differs, digests)):
            if why is not None:
                reading.found.append(
                    Damage(kind=DamageKind.CONTENT_DAMAGED, detail=f"Content {digest}: {why}", content=digest)
                )
            job.progress(0.5 + 0.4 * number / len(digests), f"{number} of {len(digests)} contents")


def _traced(runtime: Runtime, found: list[Damage]) -> list[Damage]:
    """The findings with what each of them affects."""
    chunks = {bytes.fromhex(chunk) for damage in found for chunk in damage.chunks}
    with runtime.reading() as session:
        contents = queries.contents_with(session, chunks)
        digests = {digest for some in contents.values() for digest in some}
        owners = queries.owners_of(session, digests | {damage.content for damage in found if damage.content})
    traced = []
    for damage in found:
        lost = {damage.content} if damage.content else set[str]()
        for chunk in damage.chunks:
            lost.update(contents.get(bytes.fromhex(chunk), ()))
        names = sorted({name for digest in lost for name in owners.get(digest, [f"content {digest}"])})
        traced.append(damage.model_copy(update={"affected": names[:_SHOWN]}))
    return traced


def _in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """Each item with what the work comes to, a few of them at a time: what waits is not held in memory."""
    rest = iter(items)
    running = deque((item, pool.submit(work, item)) for item in islice(rest, 4 * (os.cpu_count() or 1)))
    while running:
        item, future = running.popleft()
        yield item, future.result()
        running.extend((following, pool.submit(work, following)) for following in islice(rest, 1))
