"""`Batch`: chunks on their way into packs. Known ones stay out, small ones share a frame, alike ones are differences.

Compression runs beside the caller, in the pool; of a large batch most is kept as it came, and compressed later
(`rewriting.tighten`). Nothing is visible to readers before `commit`.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adapters.chunk_store.chunks import digest_of, marks_of
from adapters.chunk_store.frames import Chunk, Encoding, Frame, encode, encode_chunk
from adapters.chunk_store.packs import FULL, PackFile, pack_key
from adapters.chunk_store.reader import ChunkReader, Reading
from adapters.object_store.protocol import ObjectStore
from domain.contents.queries import known_chunks
from domain.contents.recipes import Part

SMALL = 16 * 2**10
"""Chunks below this size share frames."""
SHARED = 128 * 2**10
"""Bytes of a shared frame."""
LOOKED_UP = 4 * 2**20
"""Bytes of chunks that are looked up in the index at once; or so many chunks:"""
LOOKED_UP_CHUNKS = 2_000
HELD = 8 * 2**20
"""Bytes of frames a batch keeps in memory before it opens a pack of its own."""
IN_FLIGHT = 64
PROMPT = 8 * 2**20
"""Bytes of new chunks that a batch encodes as they come. Behind them the sender need not wait for it, where a store on
this machine makes the second copy cheap."""


class _New(NamedTuple):
    """A chunk that has arrived; `compressed` where the sender has compressed it."""

    digest: bytes
    data: bytes
    compressed: bytes | None


@dataclass
class Ready:
    """What a batch has come to: rows for the index."""

    packs: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    relied_on: set[bytes] = field(default_factory=set)
    again: set[str] = field(default_factory=set)


class Batch:
    """Takes chunks and frames of chunks; not for two threads at once."""

    def __init__(self, store: ObjectStore, reading: Reading, reader: ChunkReader, pool: Executor) -> None:
        self._store = store
        self._reading = reading
        self._reader = reader
        self._pool = pool
        self._later = store.local_path("packs") is not None
        self._taken = 0
        self._seen: set[bytes] = set()
        self._waiting: list[_New] = []
        self._waiting_bytes = 0
        self._group: list[_New] = []
        self._group_bytes = 0
        self._coming: deque[Future[Frame]] = deque()
        self._frames: list[Frame] = []
        self._held = 0
        self._pack: PackFile | None = None
        self._sealed: list[str] = []
        self.ready = Ready()

    def add(self, chunk: bytes) -> Part:
        """Take one chunk; its part of a recipe."""
        digest = digest_of(chunk)
        self._take(digest, chunk, None)
        return Part(digest, len(chunk))

    def add_encoded(self, encoding: Encoding, stored: bytes, parts: Sequence[Part], chunks: Sequence[bytes]) -> None:
        """Take chunks that the sender has encoded, and the caller verified. Raw ones are encoded here after all."""
        if encoding == Encoding.RAW or len(parts) == 1:
            for part, chunk in zip(parts, chunks, strict=True):
                self._take(part.digest, chunk, stored if encoding == Encoding.ZSTD else None)
        elif not self._seen.issuperset(part.digest for part in parts):
            self._seen.update(part.digest for part in parts)
            self._keep(Frame(stored, encoding, None, tuple(Chunk(*part, None, None) for part in parts)))

    def rely_on(self, digests: Iterable[bytes]) -> None:
        """Chunks that a content of this batch is made of and that were in the store before."""
        self.ready.relied_on.update(digests)

    def add_content(self, row: dict[str, Any]) -> None:
        """A whole, by its row; its chunks are in this batch or relied on."""
        self.ready.contents.append(row)

    def small(self) -> list[Frame] | None:
        """Its frames, when they are few enough to share a pack with those of others; else None."""
        self._sort_out()
        self._flush_group()
        self._gather(0)
        return self._frames if self._pack is None else None

    def seal(self) -> Ready:
        """Put the pack into the store, and give everything that is ready to be recorded; the batch may go on."""
        frames = self.small()
        if frames:
            self._open_pack()
        if self._pack is not None:
            self._close_pack()
        ready, self.ready, self._sealed = self.ready, Ready(), []
        return ready

    def discard(self) -> None:
        """Leave nothing behind of what has not been handed out by `seal`."""
        for coming in self._coming:
            coming.cancel()
        self._coming.clear()
        self._frames, self._waiting, self._group = [], [], []
        if self._pack is not None:
            self._pack.discard()
            self._pack = None
        for pack_id in self._sealed:
            self._store.delete(pack_key(pack_id))
        self._sealed, self.ready = [], Ready()

    def _take(self, digest: bytes, chunk: bytes, compressed: bytes | None) -> None:
        if digest in self._seen:
            return
        self._seen.add(digest)
        self._waiting.append(_New(digest, chunk, compressed))
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= LOOKED_UP or len(self._waiting) >= LOOKED_UP_CHUNKS:
            self._sort_out()

    def _sort_out(self) -> None:
        """Look the waiting chunks up, and send the new ones on to be encoded."""
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        with self._reading() as session:
            known = known_chunks(session, {one.digest for one in waiting})
        self.ready.relied_on |= known
        new = [one for one in waiting if one.digest not in known]
        marks = {one.digest: marks_of(one.data) for one in new if len(one.data) >= SMALL}
        later = self._later and self._taken > PROMPT
        bases = {} if later else self._reader.alike(marks)
        self._taken += sum(len(one.data) for one in new)
        for one in new:
            if len(one.data) < SMALL:
                self._group.append(one)
                self._group_bytes += len(one.data)
                if self._group_bytes >= SHARED:
                    self._flush_group()
                continue
            chunk = Chunk(one.digest, len(one.data), *marks[one.digest])
            if later:
                self._keep(_loose(chunk, one))
                continue
            base = bases.get(one.digest)
            if base is not None:
                self.ready.relied_on.add(base[0])
            self._coming.append(self._pool.submit(encode_chunk, chunk, one.data, base, one.compressed))
            self._gather(IN_FLIGHT)

    def _flush_group(self) -> None:
        if self._group:
            group, self._group, self._group_bytes = self._group, [], 0
            self._coming.append(self._pool.submit(_together, group))
            self._gather(IN_FLIGHT)

    def _gather(self, leave: int) -> None:
        """Take what has been encoded, in order; wait while more than `leave` frames are on their way."""
        while self._coming and (len(self._coming) > leave or self._coming[0].done()):
            self._keep(self._coming.popleft().result())

    def _keep(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._held += len(frame.stored)
        if self._pack is not None or self._held > HELD:
            self._open_pack()

    def _open_pack(self) -> None:
        """Move what is held into the batch's own pack."""
        if self._pack is None:
            self._pack = PackFile(self._store)
        for frame in self._frames:
            self._pack.add(frame)
        self._frames, self._held = [], 0
        if self._pack.size >= FULL:
            self._close_pack()

    def _close_pack(self) -> None:
        pack, self._pack = self._pack, None
        if pack is not None:
            self._sealed.append(pack.id)
            self.ready.packs.append(pack.seal())
            self.ready.chunks += pack.chunks


def _loose(chunk: Chunk, new: _New) -> Frame:
    """The chunk as it came."""
    encoding, stored = (Encoding.RAW, new.data) if new.compressed is None else (Encoding.ZSTD, new.compressed)
    return Frame(stored, encoding, None, (chunk,), loose=True)


def _together(group: Sequence[_New]) -> Frame:
    encoding, stored = encode(b"".join(one.data for one in group))
    return Frame(stored, encoding, None, tuple(Chunk(one.digest, len(one.data), None, None) for one in group))
