"""Chunks read back: found in the index, fetched from their packs together, decoded, and verified, every one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager

from adapters.chunk_store.chunks import digest_of
from adapters.chunk_store.frames import BadFrame, Encoding, decode
from adapters.chunk_store.packs import pack_key
from adapters.object_store.protocol import ObjectMissing, ObjectStore, StoreDamaged
from domain.contents.queries import Place, chunks_like, places_of
from domain.contents.recipes import Part
from domain.db import ReadSession

WINDOW = 4 * 2**20
"""Bytes decoded at once."""

Reading = Callable[[], AbstractContextManager[ReadSession]]


class ChunkReader:
    """Reads chunks by their digests. Every chunk is hashed again before it is handed out."""

    def __init__(self, store: ObjectStore, reading: Reading, pool: Executor) -> None:
        self._store = store
        self._reading = reading
        self._pool = pool

    def chunks(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """These chunks. Raises `StoreDamaged` naming the pack, and what the store raises when it is away."""
        try:
            return self._look_up_and_read(digests)
        except ObjectMissing:
            # Packs are rewritten to give room back: the chunk may lie elsewhere since it was looked up.
            return self._look_up_and_read(digests)

    def alike(self, marks: Mapping[bytes, tuple[int, int]]) -> dict[bytes, tuple[bytes, bytes]]:
        """For chunks by their `marks_of`: the chunk that each may be a difference from, its digest and its bytes.

        Nothing where there is none, or where it is damaged, or was deleted since it was found.
        """
        heads, tails = ({mark[side] for mark in marks.values()} for side in (0, 1))
        with self._reading() as session:
            found = chunks_like(session, heads, tails)
        pairs = {digest: base for digest, (head, tail) in marks.items() if (base := found.get(head) or found.get(tail))}
        try:
            bases = self.chunks(set(pairs.values())) if pairs else {}
        except (StoreDamaged, ObjectMissing):
            return {}
        return {digest: (base, bases[base]) for digest, base in pairs.items()}

    def _look_up_and_read(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        with self._reading() as session:
            places = places_of(session, digests)
        missing = [digest for digest in digests if digest not in places]
        if missing:
            raise StoreDamaged(
                f"The chunk {missing[0].hex()} is not in the index.", where="store", fix="Run `millrace data verify`."
            )
        plain = [place for place in places.values() if place.encoding != Encoding.DIFFERENCE]
        found = self._read(plain, {})
        found |= self._read([place for place in places.values() if place.encoding == Encoding.DIFFERENCE], found)
        return {digest: found[digest] for digest in digests}

    def stream(self, parts: Sequence[Part]) -> Iterator[bytes]:
        """The chunks of a recipe in order; the next window is fetched while this one is handed out."""
        windows = _windows(parts)
        upcoming = next(windows, None)
        ahead = self._pool.submit(self.chunks, {part.digest for part in upcoming}) if upcoming else None
        while upcoming is not None and ahead is not None:
            here, found = upcoming, ahead.result()
            upcoming = next(windows, None)
            ahead = self._pool.submit(self.chunks, {part.digest for part in upcoming}) if upcoming else None
            for part in here:
                yield found[part.digest]

    def _read(self, places: Iterable[Place], bases: dict[bytes, bytes]) -> dict[bytes, bytes]:
        frames: dict[tuple[str, int], list[Place]] = defaultdict(list)
        for place in places:
            frames[place.pack_id, place.offset].append(place)
        wanted = [frames[key] for key in sorted(frames)]
        stored = self._store.get_ranges([(pack_key(one.pack_id), one.offset, one.stored) for one, *_ in wanted])
        found: dict[bytes, bytes] = {}
        for chunks, frame in zip(wanted, stored, strict=True):
            found |= _decoded(chunks, frame, bases)
        return found


def _decoded(chunks: list[Place], stored: bytes, bases: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The wanted chunks of one frame."""
    frame = chunks[0]
    try:
        base = bases[frame.base] if frame.base is not None else None
        data = decode(stored, frame.encoding, base)
        found = {one.digest: data[one.skip : one.skip + one.size] for one in chunks}
    except BadFrame as error:
        raise _damaged(frame, str(error)) from error
    for digest, chunk in found.items():
        if digest_of(chunk) != digest:
            raise _damaged(frame, f"the chunk {digest.hex()} has other bytes than were stored")
    return found


def _damaged(place: Place, why: str) -> StoreDamaged:
    key = pack_key(place.pack_id)
    return StoreDamaged(
        f"{key} is damaged at byte {place.offset}: {why}.", where=key, fix="`millrace data verify` names what is lost."
    )


def _windows(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    start = size = 0
    for place, part in enumerate(parts):
        if place > start and size + part.size > WINDOW:
            yield parts[start:place]
            start, size = place, 0
        size += part.size
    if start < len(parts):
        yield parts[start:]
