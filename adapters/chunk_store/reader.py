"""Chunks read back: found in the index, fetched from their packs in few requests, decoded, and verified, every one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from adapters.chunk_store.chunks import digest_of
from adapters.chunk_store.frames import BadFrame, Encoding, decode
from adapters.chunk_store.packs import pack_key
from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.contents.queries import Place, places_of
from domain.contents.recipes import Part
from domain.db import ReadSession
from domain.errors import Conflict

WINDOW = 4 * 2**20
"""Bytes decoded at once."""
NEAR = 32 * 2**10
"""Frames with at most so many bytes between them are fetched as one range."""
LONGEST = 8 * 2**20
"""Bytes of one range."""

Reading = Callable[[], AbstractContextManager[ReadSession]]


class StoreDamaged(Conflict):
    """The store does not hold what the index says it holds. Retrying does not help."""

    code = "store_damaged"


@dataclass(frozen=True)
class _Range:
    """Neighbouring frames of one pack, fetched in one request."""

    pack_id: str
    start: int
    end: int
    frames: list["_Frame"]


@dataclass(frozen=True)
class _Frame:
    """One frame and the chunks wanted of it. `size` is what it decodes to, as far as the wanted chunks reach."""

    place: Place
    wanted: list[Place]


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
        ranges = _ranges(places)
        fetched = self._store.get_ranges([(pack_key(one.pack_id), one.start, one.end - one.start) for one in ranges])
        found: dict[bytes, bytes] = {}
        for one, data in zip(ranges, fetched, strict=True):
            view = memoryview(data)
            for frame in one.frames:
                start = frame.place.offset - one.start
                found |= _decoded(frame, view[start : start + frame.place.stored], bases)
        return found


def _decoded(frame: _Frame, stored: memoryview, bases: dict[bytes, bytes]) -> dict[bytes, bytes]:
    place = frame.place
    try:
        base = bases[place.base] if place.base is not None else None
        data = decode(stored, place.encoding, base)
        found = {one.digest: data[one.skip : one.skip + one.size] for one in frame.wanted}
    except BadFrame as error:
        raise _damaged(place, str(error)) from error
    for digest, chunk in found.items():
        if digest_of(chunk) != digest:
            raise _damaged(place, f"the chunk {digest.hex()} has other bytes than were stored")
    return found


def _damaged(place: Place, why: str) -> StoreDamaged:
    key = pack_key(place.pack_id)
    return StoreDamaged(
        f"{key} is damaged at byte {place.offset}: {why}.", where=key, fix="`millrace data verify` names what is lost."
    )


def _ranges(places: Iterable[Place]) -> list[_Range]:
    """The fewest requests that fetch these frames without fetching much else."""
    frames: dict[tuple[str, int], list[Place]] = defaultdict(list)
    for place in places:
        frames[place.pack_id, place.offset].append(place)
    ranges: list[_Range] = []
    for (pack_id, offset), wanted in sorted(frames.items()):
        frame, end = _Frame(wanted[0], wanted), offset + wanted[0].stored
        last = ranges[-1] if ranges else None
        if last and last.pack_id == pack_id and offset - last.end <= NEAR and end - last.start <= LONGEST:
            ranges[-1] = _Range(pack_id, last.start, end, [*last.frames, frame])
        else:
            ranges.append(_Range(pack_id, offset, end, [frame]))
    return ranges


def _windows(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    start = size = 0
    for place, part in enumerate(parts):
        if place > start and size + part.size > WINDOW:
            yield parts[start:place]
            start, size = place, 0
        size += part.size
    if start < len(parts):
        yield parts[start:]
