"""Packs written anew: without what is dead (`compact`), many small as few large (`merge`), loose ones (`tighten`).

The new pack is in the store before anything points at it, and the old one stays until nothing does: whoever calls this
moves the rows in one transaction in between.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.chunk_store.batch import LOOKED_UP, SHARED, SMALL
from adapters.chunk_store.chunks import digest_of
from adapters.chunk_store.frames import BadFrame, Chunk, Encoding, Frame, decode, encode, encode_chunk, sliced
from adapters.chunk_store.packs import FULL, PackFile, pack_key, read_directory
from adapters.object_store.protocol import ObjectStore, StoreDamaged

Living = Mapping[bytes, int]
"""The chunks of a pack that are in use, and the offsets of their frames."""
Alike = Callable[[Mapping[bytes, tuple[int, int]]], dict[bytes, tuple[bytes, bytes]]]
"""For chunks by their fingerprints: what each may be a difference from (`ChunkReader.alike`)."""
_Stored = tuple[bytes, Encoding, bytes | None, list[Chunk]]


@dataclass
class Rewritten:
    """New packs, and the rows of the chunks in them; `source` of each says where it was.

    `relied_on` are the chunks that new differences are from.
    """

    packs: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    relied_on: set[bytes] = field(default_factory=set)

    @property
    def size(self) -> int:
        return sum(pack["size"] for pack in self.packs)

    def discard(self, store: ObjectStore) -> None:
        """Take the new packs back: nothing came to point at them."""
        for pack in self.packs:
            store.delete(pack_key(pack["id"]))


def compact(store: ObjectStore, pack_id: str, living: Living) -> Rewritten:
    """Copy the frames that something is left of, as they are. Raises `StoreDamaged` when the pack cannot be read."""
    writer = _Writer(store)
    try:
        for stored, encoding, base, chunks in _frames(store, pack_id, living):
            writer.add(
                Frame(stored, encoding, base, tuple(chunks)), {chunk.digest: pack_id for chunk in chunks}, living
            )
        return writer.close()
    except BaseException:
        writer.discard()
        raise


def merge(store: ObjectStore, packs: Mapping[str, Living]) -> Rewritten:
    """Copy what is in use of these packs into as few as it takes; small chunks share frames again, whoever sent them.

    Raises `StoreDamaged` for one that cannot be read.
    """
    writer = _Writer(store)
    try:
        for pack_id, living in packs.items():
            for stored, encoding, base, chunks in _frames(store, pack_id, living):
                kept = [chunk for chunk in chunks if chunk.digest in living]
                sources = {chunk.digest: pack_id for chunk in kept}
                if encoding != Encoding.DIFFERENCE and all(chunk.size < SMALL for chunk in chunks):
                    for chunk, data in _decoded(pack_id, stored, encoding, chunks):
                        if chunk.digest in living:
                            writer.add_small(chunk, data, pack_id)
                else:
                    writer.add(Frame(stored, encoding, base, tuple(chunks)), sources, living)
        return writer.close()
    except BaseException:
        writer.discard()
        raise


def tighten(store: ObjectStore, pack_id: str, living: Living, alike: Alike) -> Rewritten:
    """Encode what is in use of a loose pack as well as it can be. Raises `StoreDamaged` when it cannot be read.

    A chunk becomes a difference here and nowhere else after it has arrived: in a loose pack, which no other chunk is a
    difference from.
    """
    writer = _Writer(store)
    try:
        for some in _windows(_frames(store, pack_id, living)):
            single = {
                chunk.digest: (chunk.head, chunk.tail)
                for _, encoding, _, (chunk, *others) in some
                if encoding != Encoding.DIFFERENCE and not others and chunk.head is not None and chunk.tail is not None
            }
            bases = alike(single)
            for stored, encoding, base, chunks in some:
                frame = Frame(stored, encoding, base, tuple(chunks))
                if chunks[0].digest in single:
                    ((chunk, data),) = _decoded(pack_id, stored, encoding, chunks)
                    compressed = stored if encoding == Encoding.ZSTD else None
                    frame = encode_chunk(chunk, data, bases.get(chunk.digest), compressed)
                    if frame.base is not None:
                        writer.rely_on(frame.base)
                writer.add(frame, {chunk.digest: pack_id for chunk in chunks}, living)
        return writer.close()
    except BaseException:
        writer.discard()
        raise


class _Writer:
    """Packs as they fill."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._pack: PackFile | None = None
        self._group: list[tuple[Chunk, bytes, str]] = []
        self._group_bytes = 0
        self._sources: dict[bytes, str] = {}
        self._done = Rewritten()

    def add(self, frame: Frame, sources: Mapping[bytes, str], living: Living) -> None:
        self._sources.update({digest: source for digest, source in sources.items() if digest in living})
        if self._pack is None:
            self._pack = PackFile(self._store)
        self._pack.add(frame)
        if self._pack.size >= FULL:
            self._seal()

    def rely_on(self, base: bytes) -> None:
        self._done.relied_on.add(base)

    def add_small(self, chunk: Chunk, data: bytes, source: str) -> None:
        self._group.append((chunk, data, source))
        self._group_bytes += len(data)
        if self._group_bytes >= SHARED:
            self._flush()

    def close(self) -> Rewritten:
        self._flush()
        if self._pack is not None:
            self._seal()
        return self._done

    def discard(self) -> None:
        if self._pack is not None:
            self._pack.discard()
        self._done.discard(self._store)

    def _flush(self) -> None:
        if not self._group:
            return
        group, self._group, self._group_bytes = self._group, [], 0
        encoding, stored = encode(b"".join(data for _, data, _ in group))
        chunks = tuple(chunk for chunk, _, _ in group)
        self.add(
            Frame(stored, encoding, None, chunks),
            {chunk.digest: source for chunk, _, source in group},
            dict.fromkeys((chunk.digest for chunk in chunks), 0),
        )

    def _seal(self) -> None:
        pack, self._pack = self._pack, None
        if pack is None:
            return
        self._done.packs.append(pack.seal())
        self._done.chunks += [
            {**row, "source": self._sources[row["digest"]]} for row in pack.chunks if row["digest"] in self._sources
        ]


def _windows(frames: Iterator[_Stored]) -> Iterator[list[_Stored]]:
    """Some frames at a time: what is looked up and held in memory together."""
    some: list[_Stored] = []
    size = 0
    for frame in frames:
        some.append(frame)
        size += len(frame[0])
        if size >= LOOKED_UP:
            yield some
            some, size = [], 0
    if some:
        yield some


def _frames(store: ObjectStore, pack_id: str, living: Living) -> Iterator[_Stored]:
    """The frames of a pack that something is left of, as its directory and the index agree that they are."""
    key = pack_key(pack_id)
    left = set(living)
    with store.open(key) as file:
        try:
            directory = list(read_directory(file))
        except BadFrame as error:
            raise _damaged(key, str(error)) from error
        for offset, size, encoding, base, chunks in directory:
            here = {chunk.digest for chunk in chunks if living.get(chunk.digest) == offset}
            if not here:
                continue
            left -= here
            file.seek(offset)
            stored = file.read(size)
            if len(stored) < size:
                raise _damaged(key, f"it ends within the frame at byte {offset}")
            yield stored, encoding, base, chunks
    if left:
        raise _damaged(key, f"its directory does not name the chunk {min(left).hex()}")


def _decoded(pack_id: str, stored: bytes, encoding: Encoding, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, bytes]]:
    key = pack_key(pack_id)
    try:
        pieces = sliced(decode(stored, encoding), [chunk.size for chunk in chunks])
    except BadFrame as error:
        raise _damaged(key, str(error)) from error
    for chunk, data in zip(chunks, pieces, strict=True):
        if digest_of(data) != chunk.digest:
            raise _damaged(key, f"the chunk {chunk.digest.hex()} has other bytes than were stored")
        yield chunk, data


def _damaged(key: str, why: str) -> StoreDamaged:
    return StoreDamaged(f"{key} is damaged: {why}.", where=key, fix="`millrace data verify` names what is lost.")
