"""Large pushes: kept as they come, compressed by a job, and the same bytes to a reader at any time."""

import random

import pytest
from sqlalchemy import select

from adapters.chunk_store.batch import PROMPT
from adapters.chunk_store.frames import Encoding
from adapters.chunk_store.packs import pack_key
from adapters.chunk_store.rewriting import tighten
from adapters.object_store.protocol import StoreDamaged
from adapters.runtime import Runtime
from domain.contents import service as contents
from domain.contents.models import Chunk, Pack
from domain.gc import collection, queries, service
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.workers.collecting import counted, noise
from workers.handlers.gc import compress_when_loose
from workers.toolbox import Toolbox

SIZE = 2 * PROMPT


def large(seed: int = 1) -> bytes:
    """Digits: by itself it compresses to half."""
    return noise(SIZE // 2, seed).hex().encode()


def edited(data: bytes, seed: int = 2) -> bytes:
    """Something else in nearly every chunk."""
    chance, copy = random.Random(seed), bytearray(data)
    for start in range(0, len(copy), 20_000):
        copy[start + chance.randrange(10_000)] = ord("x")
    return bytes(copy)


def loose(runtime: Runtime) -> list[Pack]:
    with runtime.reading() as session:
        return queries.loose_packs(session)


def encodings(runtime: Runtime) -> set[int]:
    with runtime.reading() as session:
        return set(session.scalars(select(Chunk.encoding)))


class TestArriving:
    def test_keeps_most_of_a_large_content_as_it_came(self, runtime: Runtime) -> None:
        data = large()
        stored = runtime.contents.add(data)
        assert loose(runtime)
        assert encodings(runtime) == {Encoding.ZSTD, Encoding.RAW}
        assert runtime.contents.read(stored.md5) == data

    def test_keeps_equal_chunks_once(self, runtime: Runtime) -> None:
        data = large()
        runtime.contents.add(data)
        before = counted(runtime)
        runtime.contents.add(data + b"more")
        assert counted(runtime).bytes - before.bytes < 300_000

    def test_encodes_what_is_small_at_once(self, runtime: Runtime) -> None:
        runtime.contents.add(large()[: PROMPT // 2])
        assert not loose(runtime)

    def test_takes_no_differences_from_a_loose_pack(self, runtime: Runtime) -> None:
        data = large()
        runtime.contents.add(data)
        runtime.contents.add(edited(data)[: PROMPT // 2])
        assert Encoding.DIFFERENCE not in encodings(runtime)


class TestCompress:
    @ON_BOTH_DATABASES
    def test_makes_differences_of_what_is_alike_and_less_of_the_rest(
        self, runtime: Runtime, tools: Toolbox, clock: SteppingClock, drain: Drain
    ) -> None:
        first = large()
        versions = [first, edited(first)]
        digests = [runtime.contents.add(data).md5 for data in versions]
        assert counted(runtime).bytes > 1.4 * SIZE
        compress_when_loose(tools)
        (job,) = drain()
        assert job.result is not None
        assert job.result["packs"] == 2
        assert not loose(runtime)
        assert [runtime.contents.read(digest) for digest in digests] == versions
        clock.advance(service.READERS_SECONDS)
        drain()
        assert counted(runtime).bytes < 0.6 * SIZE  # half of the first, and little for the second
        assert Encoding.DIFFERENCE in encodings(runtime)
        assert [runtime.contents.read(digest) for digest in digests] == versions

    def test_is_ordered_once(self, runtime: Runtime, tools: Toolbox, drain: Drain) -> None:
        runtime.contents.add(large())
        for _ in range(3):
            compress_when_loose(tools)
        assert [job.kind for job in drain()] == ["CompressPacks"]
        compress_when_loose(tools)
        assert drain() == []

    def test_keeps_what_does_not_compress_and_does_not_try_for_ever(
        self, runtime: Runtime, tools: Toolbox, drain: Drain
    ) -> None:
        data = noise(SIZE, 3)
        stored = runtime.contents.add(data)
        compress_when_loose(tools)
        assert len(drain()) == 1
        compress_when_loose(tools)
        assert drain() == []
        assert not loose(runtime)
        assert runtime.contents.read(stored.md5) == data

    def test_leaves_a_damaged_pack_and_does_not_try_for_ever(
        self, runtime: Runtime, tools: Toolbox, drain: Drain
    ) -> None:
        stored = runtime.contents.add(large())
        (pack,) = loose(runtime)
        whole = bytearray(runtime.data.get(pack_key(pack.id)))
        whole[-1_000_000] ^= 1
        runtime.data.put(pack_key(pack.id), bytes(whole))
        compress_when_loose(tools)
        (job,) = drain()
        assert job.result == {"packs": 0, "bytes_before": 0, "bytes_after": 0}
        compress_when_loose(tools)
        assert drain() == []
        with pytest.raises(StoreDamaged):
            runtime.contents.read(stored.md5)

    def test_a_worker_that_died_before_the_rows_moved_loses_nothing(
        self, runtime: Runtime, tools: Toolbox, drain: Drain
    ) -> None:
        data = large()
        stored = runtime.contents.add(data)
        (pack,) = loose(runtime)
        tighten(runtime.data, pack.id, _living(runtime, pack), runtime.contents.alike)
        assert runtime.contents.read(stored.md5) == data
        compress_when_loose(tools)
        drain()
        assert runtime.contents.read(stored.md5) == data

    def test_a_late_second_worker_moves_nothing(self, runtime: Runtime) -> None:
        first = large()
        old = runtime.contents.add(first)
        new = runtime.contents.add(edited(first))
        packs = loose(runtime)
        late = [tighten(runtime.data, one.id, _living(runtime, one), runtime.contents.alike) for one in packs]
        for pack in packs:
            done = tighten(runtime.data, pack.id, _living(runtime, pack), runtime.contents.alike)
            with runtime.transaction() as session:
                contents.record(session, relied_on=done.relied_on)
                collection.move_repacked(session, sources=[pack.id], packs=done.packs, chunks=done.chunks)
        places = _places(runtime)
        for pack, done in zip(packs, late, strict=True):
            with runtime.transaction() as session:
                collection.move_repacked(session, sources=[pack.id], packs=done.packs, chunks=done.chunks)
        assert _places(runtime) == places
        assert runtime.contents.read(old.md5) == first
        assert runtime.contents.read(new.md5) == edited(first)


def _living(runtime: Runtime, pack: Pack) -> dict[bytes, int]:
    with runtime.reading() as session:
        return queries.rows_of(session, pack.id)


def _places(runtime: Runtime) -> dict[bytes, tuple[str, int]]:
    with runtime.reading() as session:
        rows = session.execute(select(Chunk.digest, Chunk.pack_id, Chunk.offset))
        return {digest: (pack_id, offset) for digest, pack_id, offset in rows}
