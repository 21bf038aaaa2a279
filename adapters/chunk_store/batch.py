"""`Batch`: chunks on their way into packs. Known ones stay out, small ones share a frame, alike ones are differences.

Compression runs beside the caller, in the pool. Nothing is visible to readers before `commit`.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from adapters.chunk_store.chunks import digest_of, marks_of
from adapters.chunk_store.frames import Chunk, Encoding, Frame, encode, encode_difference
from adapters.chunk_store.packs import FULL, PackFile, pack_key
from adapters.chunk_store.reader import ChunkReader, Reading, StoreDamaged
from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.contents.queries import chunks_like, known_chunks
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


@dataclass
class Ready:
    """What a batch has come to: rows for the index."""

    packs: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    relied_on: set[bytes] = field(default_factory=set)


class Batch:
    """Takes chunks and frames of chunks; not for two threads at once."""

    def __init__(self, store: ObjectStore, reading: Reading, reader: ChunkReader, pool: Executor) -> None:
        self._store = store
        self._reading = reading
        self._reader = reader
        self._pool = pool
        self._seen: set[bytes] = set()
        self._waiting: list[tuple[bytes, bytes]] = []
        self._waiting_bytes = 0
        self._group: list[tuple[bytes, bytes]] = []
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
        if digest not in self._seen:
            self._seen.add(digest)
            self._waiting.append((digest, chunk))
            self._waiting_bytes += len(chunk)
            if self._waiting_bytes >= LOOKED_UP or len(self._waiting) >= LOOKED_UP_CHUNKS:
                self._sort_out()
        return Part(digest, len(chunk))

    def add_frame(self, frame: Frame) -> None:
        """Take chunks that are encoded already and were verified by the caller."""
        self._seen.update(chunk.digest for chunk in frame.chunks)
        self._keep(frame)

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

    def _sort_out(self) -> None:
        """Look the waiting chunks up, and send the new ones on to be encoded."""
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        marks = {digest: marks_of(chunk) for digest, chunk in waiting}
        with self._reading() as session:
            known = known_chunks(session, marks.keys())
            new = [(digest, chunk) for digest, chunk in waiting if digest not in known]
            heads = {head for digest, _ in new if (head := marks[digest][0]) is not None}
            tails = {tail for digest, _ in new if (tail := marks[digest][1]) is not None}
            alike = chunks_like(session, heads, tails) if heads else {}
        self.ready.relied_on |= known
        pairs = {digest: base for digest, _ in new if (base := _base(alike, marks[digest])) is not None}
        bases = self._read_bases(set(pairs.values()))
        for digest, chunk in new:
            if len(chunk) < SMALL:
                self._group.append((digest, chunk))
                self._group_bytes += len(chunk)
                if self._group_bytes >= SHARED:
                    self._flush_group()
                continue
            base = pairs.get(digest)
            if base not in bases:
                base = None
            if base is not None:
                self.ready.relied_on.add(base)
            named = Chunk(digest, len(chunk), *marks[digest])
            self._coming.append(self._pool.submit(_encoded, named, chunk, base, bases[base] if base else None))
            self._gather(IN_FLIGHT)

    def _read_bases(self, digests: set[bytes]) -> dict[bytes, bytes]:
        """What differences can be taken from; nothing where that is damaged, or was deleted since it was found."""
        try:
            return self._reader.chunks(digests) if digests else {}
        except (StoreDamaged, ObjectMissing):
            return {}

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


def _base(alike: dict[int, bytes], marks: tuple[int, int] | tuple[None, None]) -> bytes | None:
    head, tail = marks
    if head is None or tail is None:
        return None
    return alike.get(head) or alike.get(tail)


def _encoded(named: Chunk, data: bytes, base: bytes | None, base_data: bytes | None) -> Frame:
    if base is not None and base_data is not None:
        difference = encode_difference(data, base_data)
        if difference is not None:
            return Frame(difference, Encoding.DIFFERENCE, base, (named,))
    encoding, stored = encode(data)
    return Frame(stored, encoding, None, (named,))


def _together(group: Sequence[tuple[bytes, bytes]]) -> Frame:
    encoding, stored = encode(b"".join(chunk for _, chunk in group))
    return Frame(stored, encoding, None, tuple(Chunk(digest, len(chunk), *marks_of(chunk)) for digest, chunk in group))
