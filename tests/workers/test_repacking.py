"""Packs written anew: small ones merged, half-dead ones compacted; readers and writers never notice."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from adapters.chunk_store.contents import Contents
from adapters.chunk_store.packs import pack_key, read_directory
from adapters.chunk_store.rewriting import compact, merge
from adapters.object_store.protocol import ObjectMissing, ObjectStore, StoreDamaged
from adapters.runtime import Runtime, utc_now
from domain.contents.models import Chunk, Pack
from domain.events.queries import latest_of
from domain.gc import collection, queries, service
from domain.jobs.models import Job
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.workers.collecting import counted, lines, noise
from workers.handlers.gc import repack_when_scattered
from workers.toolbox import Toolbox


def add_singly(runtime: Runtime, number: int) -> dict[str, bytes]:
    """Small files, each sent by itself: each makes a pack."""
    data = [b"".join(lines(12, seed)) for seed in range(number)]
    return {runtime.contents.add(one).md5: one for one in data}


def living(runtime: Runtime) -> dict[str, dict[bytes, int]]:
    with runtime.reading() as session:
        return {pack_id: queries.rows_of(session, pack_id) for pack_id in session.scalars(select(Pack.id))}


def frames_of(store: ObjectStore) -> int:
    total = 0
    for found in store.list("packs"):
        with store.open(found.key) as file:
            total += len(list(read_directory(file)))
    return total


class TestRepack:
    @ON_BOTH_DATABASES
    def test_makes_few_packs_of_many(
        self, runtime: Runtime, tools: Toolbox, clock: SteppingClock, drain: Drain
    ) -> None:
        data = add_singly(runtime, 80)
        before = counted(runtime)
        assert before.packs == 80
        repack_when_scattered(tools)
        (job,) = drain()
        assert job.result == {"packs_before": 80, "packs_after": 1}
        assert dict(runtime.contents.many(list(data))) == data
        assert counted(runtime).objects == 81
        clock.advance(service.READERS_SECONDS)
        drain()
        after = counted(runtime)
        assert (after.packs, after.objects, after.chunks) == (1, 1, before.chunks)
        assert after.bytes < before.bytes / 2
        assert frames_of(runtime.data) == 1
        assert dict(runtime.contents.many(list(data))) == data

    def test_is_told(self, runtime: Runtime, tools: Toolbox, drain: Drain) -> None:
        add_singly(runtime, 70)
        repack_when_scattered(tools)
        drain()
        with runtime.reading() as session:
            (told,) = latest_of(session, ["StoreRepacked"], limit=2)
        assert (told.payload["packs_before"], told.payload["packs_after"]) == (70, 1)

    def test_waits_until_there_are_many(self, runtime: Runtime, tools: Toolbox, drain: Drain) -> None:
        add_singly(runtime, queries.MOST_SMALL_PACKS)
        repack_when_scattered(tools)
        assert drain() == []

    def test_is_ordered_once(self, runtime: Runtime, tools: Toolbox, drain: Drain) -> None:
        add_singly(runtime, 70)
        for _ in range(3):
            repack_when_scattered(tools)
        assert [job.kind for job in drain()] == ["RepackStore"]
        repack_when_scattered(tools)
        assert drain() == []

    def test_leaves_a_damaged_pack_and_does_not_try_for_ever(
        self, runtime: Runtime, tools: Toolbox, drain: Drain
    ) -> None:
        data = add_singly(runtime, 70)
        bad = next(found for found in runtime.data.list("packs"))
        runtime.data.put(bad.key, b"x" * bad.size)
        repack_when_scattered(tools)
        (job,) = drain()
        assert job.result == {"packs_before": 69, "packs_after": 1}
        repack_when_scattered(tools)
        assert drain() == []
        lost = 0
        for digest, one in data.items():
            try:
                assert runtime.contents.read(digest) == one
            except StoreDamaged:
                lost += 1
        assert lost == 1

    def test_differences_and_large_chunks_are_moved_as_they_are(self, runtime: Runtime, drain: Drain) -> None:
        table = lines(8_000, seed=5)
        first = runtime.contents.add(b"".join(table))
        table[4_000] = b"4000,edited\n"
        second = runtime.contents.add(b"".join(table))
        packs = living(runtime)
        new = merge(runtime.data, packs)
        with runtime.transaction() as session:
            assert collection.move_repacked(session, sources=list(packs), packs=new.packs, chunks=new.chunks) == 2
        for pack_id in packs:
            runtime.data.delete(pack_key(pack_id))
        assert runtime.contents.read(second.md5) == b"".join(table)
        assert runtime.contents.size(first.md5) == len(runtime.contents.read(first.md5))


class TestMove:
    def test_what_was_deleted_meanwhile_does_not_come_back(self, runtime: Runtime) -> None:
        add_singly(runtime, 3)
        packs = living(runtime)
        new = merge(runtime.data, packs)
        gone = next(iter(next(iter(packs.values()))))
        with runtime.transaction() as session:
            session.execute(delete(Chunk).where(Chunk.digest == gone))
        with runtime.transaction() as session:
            collection.move_repacked(session, sources=list(packs), packs=new.packs, chunks=new.chunks)
        with runtime.reading() as session:
            assert session.get(Chunk, gone) is None
            assert session.scalar(select(func.count()).where(Pack.retired_at.is_(None))) == 1

    def test_what_was_moved_meanwhile_stays_there(self, runtime: Runtime) -> None:
        data = add_singly(runtime, 3)
        packs = living(runtime)
        first, second = merge(runtime.data, packs), merge(runtime.data, packs)
        for new in (first, second):
            with runtime.transaction() as session:
                collection.move_repacked(session, sources=list(packs), packs=new.packs, chunks=new.chunks)
        with runtime.reading() as session:
            places = set(session.scalars(select(Chunk.pack_id)))
        assert places == {first.packs[0]["id"]}
        assert dict(runtime.contents.many(list(data))) == data

    def test_a_new_pack_is_as_old_as_the_youngest_in_it(self, runtime: Runtime, clock: SteppingClock) -> None:
        add_singly(runtime, 3)
        clock.advance(1_000)
        packs = living(runtime)
        with runtime.transaction() as session:
            oldest = session.get_one(Pack, min(packs))
            oldest.created_at -= timedelta(days=30)
        new = merge(runtime.data, packs)
        with runtime.transaction() as session:
            collection.move_repacked(session, sources=list(packs), packs=new.packs, chunks=new.chunks)
            pack = session.get_one(Pack, new.packs[0]["id"])
            assert 900 < (session.now() - pack.created_at).total_seconds() < 1_100


class TestCompact:
    def test_copies_only_what_is_in_use(self, runtime: Runtime) -> None:
        data = {seed: noise(200_000, seed) for seed in range(4)}
        with runtime.contents.batch() as batch:
            for one in data.values():
                sink = batch.sink()
                sink.write(one)
                sink.close()
        (found,) = runtime.data.list("packs")
        ((pack_id, rows),) = living(runtime).items()
        some = dict(sorted(rows.items(), key=lambda row: row[1])[:2])
        new = compact(runtime.data, pack_id, some)
        assert {row["digest"] for row in new.chunks} == set(some)
        assert new.size < found.size / 2

    @pytest.mark.parametrize("spoil", ["cut", "other"])
    def test_a_damaged_pack_is_left(self, runtime: Runtime, spoil: str) -> None:
        runtime.contents.add(noise(100_000, 1))
        (found,) = runtime.data.list("packs")
        ((pack_id, rows),) = living(runtime).items()
        whole = runtime.data.get(found.key)
        runtime.data.put(found.key, whole[:-30] if spoil == "cut" else b"x" * len(whole))
        with pytest.raises(StoreDamaged):
            compact(runtime.data, pack_id, rows)
        assert [one.key for one in runtime.data.list("packs")] == [found.key]

    def test_what_the_directory_does_not_name_is_not_lost(self, runtime: Runtime) -> None:
        runtime.contents.add(noise(100_000, 1))
        ((pack_id, rows),) = living(runtime).items()
        with pytest.raises(StoreDamaged, match="does not name"):
            compact(runtime.data, pack_id, {**rows, b"\x01" * 32: 16})


class MovingStore:
    """A store in which everything is moved between the look-up of a chunk and its reading, once."""

    def __init__(self, store: ObjectStore, move: Any) -> None:
        self._store = store
        self._move = move

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def local_path(self, key: str) -> Path | None:
        return self._store.local_path(key)

    def get_ranges(self, wanted: Sequence[tuple[str, int, int]]) -> list[bytes]:
        move, self._move = self._move, None
        if move is not None:
            move()
        return self._store.get_ranges(wanted)


class TestReader:
    def test_finds_a_chunk_that_moved_since_it_was_looked_up(self, runtime: Runtime) -> None:
        data = add_singly(runtime, 3)

        def move() -> None:
            packs = living(runtime)
            new = merge(runtime.data, packs)
            with runtime.transaction() as session:
                collection.move_repacked(session, sources=list(packs), packs=new.packs, chunks=new.chunks)
            for pack_id in packs:
                runtime.data.delete(pack_key(pack_id))

        store: Any = MovingStore(runtime.data, move)
        contents = Contents(store, runtime.database, utc_now)
        assert dict(contents.many(list(data))) == data

    def test_says_so_when_it_is_really_gone(self, runtime: Runtime) -> None:
        digest = next(iter(add_singly(runtime, 1)))
        (found,) = runtime.data.list("packs")
        runtime.data.delete(found.key)
        with pytest.raises(ObjectMissing, match="packs/"):
            runtime.contents.read(digest)


def test_retired_packs_are_kept_for_readers_first(
    runtime: Runtime, tools: Toolbox, clock: SteppingClock, drain: Drain
) -> None:
    add_singly(runtime, 70)
    repack_when_scattered(tools)
    drain()
    with runtime.reading() as session:
        waiting = session.scalars(select(Job).where(Job.kind == "DeleteRetiredPacks")).one()
        assert (waiting.available_at - waiting.created_at).total_seconds() == service.READERS_SECONDS
    clock.advance(service.READERS_SECONDS - 30)
    drain()
    assert counted(runtime).objects == 71
    clock.advance(30)
    drain()
    assert counted(runtime).objects == 1
